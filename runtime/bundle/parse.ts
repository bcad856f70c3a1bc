import type { Document, Place, Pointer } from '../../schemas/document.ts'
import type { Finding } from '../../schemas/finding.ts'
import { HAND_WRITTEN, TEXT } from '../../schemas/limits.ts'
import { findingsOf, type ParsedFile } from '../../schemas/parse-file.ts'
import type { Reason } from '../../schemas/reasons.ts'
import {
  parseBundleMetadata,
  parseManifest,
  type BundleMetadata,
  type Manifest,
} from '../../schemas/registry/manifest.ts'
import { parseOntology, type Ontology } from '../../schemas/registry/ontology.ts'
import { parsePolicy, POLICY_KINDS, type Policies } from '../../schemas/registry/policies.ts'
import { parseSuite, type Suite } from '../../schemas/registry/suite.ts'
import { parseValuesSchema } from '../../schemas/registry/tenant.ts'
import { safeJson } from '../../schemas/safe-json.ts'
import { safeText } from '../../schemas/safe-text.ts'
import { safeYaml } from '../../schemas/safe-yaml.ts'
import type { BundleFiles } from './files.ts'
import * as layout from './layout.ts'

/** A bundle whose files all have their shape. Whether what they say makes sense is for the gates to judge. */
export type ParsedBundle = {
  name: string
  version: string
  manifest: Manifest
  ontology: Ontology
  /** By name, without `.schema.yaml`. */
  entities: ReadonlyMap<string, object>
  policies: Policies
  /** Text by file name under `templates/`. */
  templates: ReadonlyMap<string, string>
  /** By path. */
  suites: ReadonlyMap<string, Suite>
  metadata: BundleMetadata
  valuesSchema: object | null
  /** Text by file name under `documents/`. */
  documents: ReadonlyMap<string, string>
  /** Where a part of a file stands; 1:1 for files without parts. */
  at: (path: string, pointer: Pointer) => Place
}

/**
 * Reads the files of a bundle; findings are those of the gates `layout`, `manifest`, `ontology`, `entities`,
 * `policies`, `templates` and `suites` about shape alone. `prefix`, such as `bundles/faq/`, goes in front of their
 * paths. `bundle` is null exactly when there is an error. What is `sealed` has `sealed/` and a `bundle_id`.
 */
export function parseBundle(
  files: BundleFiles,
  prefix: string,
  form: 'source' | 'sealed' = 'source',
): { bundle: ParsedBundle | null; findings: Finding[] } {
  const reader = new BundleReader(files, prefix)
  reader.findings.push(...layout.checkLayout(files, prefix, form))
  const manifest = reader.file(layout.MANIFEST, (bytes, path) => parseManifest(bytes, path, form))
  const ontology = reader.file(layout.ONTOLOGY, parseOntology)
  const metadata = reader.file(layout.METADATA, parseBundleMetadata)
  const valuesSchema = reader.file(layout.VALUES_SCHEMA, parseValuesSchema)
  const policies = reader.policies()
  const entities = reader.many(layout.ENTITY, (path) => reader.entity(path))
  const templates = reader.many(layout.TEMPLATE, (path) => reader.text(path, 'templates', 'TEMPLATE_INVALID'))
  const suites = reader.many(layout.SUITE, (path) => reader.file(path, parseSuite))
  const documents = reader.many(layout.DOCUMENT, (path) => reader.text(path, 'layout', 'LAYOUT_INVALID'))
  reader.others()
  const { findings, at } = reader
  if (findings.length > 0 || manifest === null || ontology === null || metadata === null) {
    return { bundle: null, findings }
  }
  const { bundle_name: name, bundle_version: version } = manifest
  const parts = { manifest, ontology, metadata, valuesSchema, policies, entities, templates, suites, documents }
  return { bundle: { name, version, ...parts, at }, findings }
}

class BundleReader {
  readonly findings: Finding[] = []
  readonly #files: BundleFiles
  readonly #prefix: string
  readonly #places = new Map<string, Document['at']>()

  constructor(files: BundleFiles, prefix: string) {
    this.#files = files
    this.#prefix = prefix
  }

  readonly at = (path: string, pointer: Pointer): Place => this.#places.get(path)?.(pointer) ?? { line: 1, column: 1 }

  file<Value>(path: string, parse: (bytes: Buffer, path: string) => ParsedFile<Value>): Value | null {
    const bytes = this.#files.get(path)
    if (bytes === undefined) return null
    const { value, findings, at } = parse(bytes, this.#prefix + path)
    this.findings.push(...findings)
    this.#places.set(path, at)
    return value
  }

  /** What `read` gives for each path that `pattern` matches, by its first group, or by the path where it has none. */
  many<Value>(pattern: RegExp, read: (path: string) => Value | null): ReadonlyMap<string, Value> {
    const found = new Map<string, Value>()
    for (const path of [...this.#files.keys()].sort()) {
      const match = pattern.exec(path)
      const value = match === null ? null : read(path)
      if (match !== null && value !== null) found.set(match[1] ?? path, value)
    }
    return found
  }

  policies(): Policies {
    const policies: Policies = {}
    for (const kind of POLICY_KINDS) {
      const policy = this.file(`policies/${kind}.yaml`, (bytes, path) => parsePolicy(kind, bytes, path))
      if (policy !== null) Object.assign(policies, { [kind]: policy })
    }
    return policies
  }

  entity(path: string): object | null {
    const data = this.#data(path, 'entities')
    if (data === null) return null
    const { value } = data
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
    const place = { path: this.#prefix + path, line: 1, column: 1 }
    const message = 'expected a JSON Schema, which is a mapping'
    const hint = 'Write "type: object" and "properties:".'
    this.findings.push({ gate: 'entities', code: 'ENTITY_INVALID', severity: 'error', ...place, message, hint })
    return null
  }

  text(path: string, gate: string, code: Reason): string | null {
    const { text, problem } = safeText(this.#files.get(path) ?? Buffer.alloc(0), TEXT, code, 'tabs')
    if (text !== null) return text
    this.findings.push(...findingsOf({ document: null, problems: [problem] }, gate, this.#prefix + path))
    return null
  }

  /** Files that are kept with a bundle: nothing of them is used here, but none may be what no tool can read. */
  others(): void {
    for (const path of this.#files.keys()) {
      if (path === layout.README) this.text(path, 'layout', 'LAYOUT_INVALID')
      if (layout.RECORDING.test(path) || layout.AGENT.test(path)) this.#data(path, 'layout')
    }
  }

  #data(path: string, gate: string): { value: unknown } | null {
    const bytes = this.#files.get(path) ?? Buffer.alloc(0)
    const reading = path.endsWith('.json') ? safeJson(bytes, TEXT_DATA) : safeYaml(bytes, HAND_WRITTEN)
    if (reading.document === null) {
      this.findings.push(...findingsOf(reading, gate, this.#prefix + path))
      return null
    }
    this.#places.set(path, reading.document.at)
    return { value: reading.document.value }
  }
}

const TEXT_DATA = {
  ...TEXT,
  lineLength: TEXT.bytes,
  depth: HAND_WRITTEN.depth,
  nodes: 200_000,
  keys: HAND_WRITTEN.keys,
}
