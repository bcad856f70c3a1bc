import type { Finding } from '../../schemas/finding.ts'
import { nearest } from '../../schemas/nearest.ts'
import { POLICY_KINDS } from '../../schemas/registry/policies.ts'
import { BUNDLE_LIMITS, layoutFindings, SEALED_FOLDER, type BundleFiles } from './files.ts'

export const MANIFEST = 'manifest.yaml'
export const ONTOLOGY = 'ontology/ontology.yaml'
export const METADATA = 'metadata/bundle.yaml'
export const VALUES_SCHEMA = 'values.schema.yaml'
export const ENTITY = /^entities\/([^/]+)\.schema\.yaml$/
export const POLICY = /^policies\/([^/]+)\.yaml$/
export const TEMPLATE = /^templates\/([^/]+\.j2)$/
export const SUITE = /^suites\/[^/]+\.json$/
export const DOCUMENT = /^documents\/([^/]+\.md)$/
export const RECORDING = /^recordings\/[^/]+\.json$/
export const AGENT = /^agents\/[^/]+\.yaml$/
export const README = 'README.md'

const SINGLE = [MANIFEST, ONTOLOGY, METADATA, VALUES_SCHEMA, README]
const MANY = [ENTITY, TEMPLATE, SUITE, DOCUMENT, RECORDING, AGENT]
const FOLDERS = {
  entities: '<name>.schema.yaml',
  policies: `${POLICY_KINDS.join(', ')} (.yaml)`,
  templates: '<name>.j2',
  suites: '<name>.json',
  documents: '<name>.md',
  recordings: '<name>.json',
  agents: '<name>.yaml',
  ontology: 'ontology.yaml',
  metadata: 'bundle.yaml',
}

/** Gate `layout`: the files of ADR 0005 are there, and nothing that the product does not know. */
export function checkLayout(files: BundleFiles, prefix: string, form: 'source' | 'sealed'): Finding[] {
  const findings = [
    ...layoutFindings(
      [...files.keys()].map((path) => ({ path, mode: '100644' })),
      prefix,
    ).values(),
  ]
  const bad = new Set(findings.map(({ path }) => path))
  const report = (path: string, message: string, hint: string, code: Finding['code'] = 'LAYOUT_INVALID') => {
    const at = { path: `${prefix}${path}`, line: 1, column: 1 }
    if (!bad.has(at.path)) findings.push({ gate: 'layout', code, severity: 'error', ...at, message, hint })
  }
  for (const path of [MANIFEST, ONTOLOGY, METADATA]) {
    if (!files.has(path)) report(path, 'the file is missing', `Add ${path}.`)
  }
  for (const [pattern, name] of [
    [ENTITY, 'entities/<name>.schema.yaml'],
    [SUITE, 'suites/<name>.json'],
  ] as const) {
    if (![...files.keys()].some((path) => pattern.test(path))) {
      const [folder = ''] = name.split('/')
      report(`${folder}/`, 'expected at least one file', `Add ${name}.`)
    }
  }
  for (const path of files.keys()) {
    if (path.startsWith(SEALED_FOLDER)) {
      if (form === 'source') report(path, "sealed/ is the controller's to write", 'Remove the folder.')
    } else if (!isKnown(path)) report(path, 'the file has no place in a bundle', hintFor(path))
  }
  const source = [...files].filter(([path]) => !path.startsWith(SEALED_FOLDER))
  const size = source.reduce((sum, [, body]) => sum + body.length, 0)
  const { entries, bytes } = BUNDLE_LIMITS
  const tooLarge = `expected at most ${entries} files of ${bytes} bytes in all, found ${source.length} of ${size}`
  if (source.length > entries || size > bytes) report('', tooLarge, 'Make the bundle smaller.', 'FILE_TOO_LARGE')
  return findings
}

function isKnown(path: string): boolean {
  const kind = POLICY.exec(path)?.[1]
  if (kind !== undefined) return (POLICY_KINDS as readonly string[]).includes(kind)
  return SINGLE.includes(path) || MANY.some((pattern) => pattern.test(path))
}

function hintFor(path: string): string {
  const [folder = '', ...rest] = path.split('/')
  if (rest.length === 0) {
    const meant = nearest(path, SINGLE)
    return meant === null
      ? `At the top stand ${SINGLE.filter((name) => !name.includes('/')).join(', ')}.`
      : `Did you mean ${meant}?`
  }
  if (Object.hasOwn(FOLDERS, folder)) return `${folder}/ holds ${FOLDERS[folder as keyof typeof FOLDERS]}.`
  const meant = nearest(folder, Object.keys(FOLDERS))
  return meant === null ? `A bundle has the folders ${Object.keys(FOLDERS).join(', ')}.` : `Did you mean ${meant}/?`
}
