import { Fault } from '../../schemas/fault.ts'
import type { Compatibility, Manifest } from '../../schemas/registry/manifest.ts'
import { compileContracts, type Contract } from '../engine/contract.ts'
import { effectivePolicies, type EffectivePolicies, type FloorPolicies } from '../engine/policies.ts'
import { compileRedactor, type Redactor } from '../engine/redact.ts'
import { passageRanker, type RankPassages } from '../engine/retrieval/rank-passages.ts'
import { loadRouter, type Router } from '../engine/routing/router.ts'
import { parseTemplate } from '../engine/template/check.ts'
import type { Template } from '../engine/template/syntax.ts'
import { createValues, type ValuesContract } from '../engine/values.ts'
import { bundleDigest, bundleId, sourceDigest, sourceOf } from './digest.ts'
import type { BundleFiles } from './files.ts'
import { PROGRAM_FILE, ROUTER_FILE, type Program, type SealedIntent, type SealedOntology } from './program.ts'

export type { SealedIntent } from './program.ts'

/** A sealed bundle, ready to answer. It never changes; many tenants share one. */
export type LoadedBundle = {
  name: string
  version: string
  bundleId: string
  digest: string
  sourceDigest: string
  compatibility: Compatibility
  manifest: Manifest
  ontology: SealedOntology
  intents: ReadonlyMap<string, SealedIntent>
  router: Router
  /** Of the documents that intents answer from. */
  passages: RankPassages
  /** By file name under `templates/`. */
  templates: ReadonlyMap<string, Template>
  /** By name of the entity. */
  contracts: ReadonlyMap<string, Contract>
  /** As the bundle declares them, or under a floor (`underFloor`). */
  policies: EffectivePolicies
  redact: Redactor
  values: ValuesContract
  files: BundleFiles
}

/**
 * Reads the files of a sealed bundle, whose digest the caller has verified or is about to compare.
 * @throws Fault `BUNDLE_UNVERIFIED` for anything that no compiler of this product would have written,
 *   `POLICY_MISSING`, and `INCOMPATIBLE_RUNTIME` for what this Runtime cannot enforce.
 */
export function loadBundle(sealed: BundleFiles): LoadedBundle {
  try {
    return assemble(sealed, readProgram(sealed))
  } catch (error) {
    if (error instanceof Fault && KEPT.has(error.reason)) throw error
    const told = error instanceof Error ? error.message : 'it cannot be read'
    throw new Fault('BUNDLE_UNVERIFIED', `The sealed bundle does not load: ${told}`, { cause: error })
  }
}

const KEPT = new Set(['POLICY_MISSING', 'INCOMPATIBLE_RUNTIME', 'BUNDLE_UNVERIFIED'])

const floored = new WeakMap<LoadedBundle, Map<string, LoadedBundle>>()

/**
 * The same bundle under the organisation's floor of policies (DESIGN section 2). Thousands of tenants under one floor
 * share what is made of it.
 * @throws Fault `POLICY_MISSING`
 */
export function underFloor(bundle: LoadedBundle, floor: FloorPolicies): LoadedBundle {
  const known = floored.get(bundle) ?? new Map<string, LoadedBundle>()
  floored.set(bundle, known)
  const key = JSON.stringify(floor)
  const found = known.get(key)
  if (found !== undefined) return found
  const policies = effectivePolicies(bundle.policies, [floor])
  const made = { ...bundle, policies, redact: compileRedactor(policies.redaction) }
  known.set(key, made)
  return made
}

function assemble(sealed: BundleFiles, program: Program): LoadedBundle {
  const { manifest, ontology, entities } = program
  refuseUnenforceable(program)
  const policies = effectivePolicies(program.policies, [])
  const intents = new Map(ontology.intents.map((intent) => [intent.name, frozen(intent)]))
  const router = loadRouter(fileOf(sealed, ROUTER_FILE))
  const bundle: LoadedBundle = {
    name: manifest.bundle_name,
    version: manifest.bundle_version,
    bundleId: manifest.bundle_id,
    digest: bundleDigest(sealed),
    sourceDigest: program.source_digest,
    compatibility: manifest.runtime_compatibility,
    manifest,
    ontology,
    intents,
    router,
    passages: passageRanker(readDocuments(sealed, ontology), router.rules),
    templates: readTemplates(sealed),
    contracts: compileContracts(new Map(Object.entries(entities))),
    policies,
    redact: compileRedactor(policies.redaction),
    values: createValues(program.values),
    files: sealed,
  }
  checkNames(bundle)
  return bundle
}

function readProgram(sealed: BundleFiles): Program {
  const program = JSON.parse(fileOf(sealed, PROGRAM_FILE).toString('utf8')) as Program
  const format: unknown = program.format
  if (typeof format === 'number' && format > 1) {
    throw new Fault(
      'INCOMPATIBLE_RUNTIME',
      `${PROGRAM_FILE}: format ${format} is not known here; upgrade the Runtime first.`,
    )
  }
  if (format !== 1) throw new Fault('BUNDLE_UNVERIFIED', `${PROGRAM_FILE} is no program.`)
  const source = sourceDigest(sourceOf(sealed))
  const sealedId = fileOf(sealed, 'manifest.yaml')
    .toString('utf8')
    .endsWith(`\nbundle_id: ${bundleId(source)}\n`)
  if (program.source_digest !== source || program.manifest.bundle_id !== bundleId(source) || !sealedId) {
    throw new Fault('BUNDLE_UNVERIFIED', 'The sealed bundle names another source than it holds.')
  }
  return program
}

function readTemplates(sealed: BundleFiles): ReadonlyMap<string, Template> {
  const folder = 'templates/'
  return new Map(
    [...sealed]
      .filter(([path]) => path.startsWith(folder))
      .map(([path, bytes]) => [path.slice(folder.length), parseTemplate(bytes.toString('utf8'), path)]),
  )
}

function readDocuments(sealed: BundleFiles, { intents }: SealedOntology): ReadonlyMap<string, string> {
  const names = new Set(intents.flatMap(({ retrieval }) => retrieval?.documents ?? []))
  return new Map([...names].map((name) => [name, fileOf(sealed, `documents/${name}`).toString('utf8')]))
}

function refuseUnenforceable({ policies }: Program): void {
  if (policies.llm?.enabled === true)
    throw new Fault('INCOMPATIBLE_RUNTIME', 'policies/llm.yaml: this Runtime has no model step.')
}

function checkNames({ ontology, intents, templates, contracts, router, policies }: LoadedBundle): void {
  const { routing, fallback } = ontology
  const entities = [
    routing.input,
    routing.output,
    ...ontology.intents.flatMap(({ input, output }) => [input ?? [], output ?? []].flat()),
  ]
  const missing = [
    ...entities.filter((name) => !contracts.has(name)),
    ...[fallback, ...router.intents].filter((name) => !intents.has(name)),
    ...ontology.intents.flatMap(({ template }) =>
      template === undefined || templates.has(template) ? [] : [template],
    ),
    ...ontology.intents
      .filter(
        ({ template, facts, retrieval }) => template === undefined && facts === undefined && retrieval === undefined,
      )
      .map(({ name }) => name),
    ...(ontology.intents.some(({ retrieval }) => retrieval !== undefined) && policies.rag === undefined
      ? ['policies/rag.yaml']
      : []),
    ...(intents.get(fallback)?.retrieval === undefined ? [] : [`an answer of ${fallback}`]),
  ]
  if (missing.length > 0)
    throw new Fault('BUNDLE_UNVERIFIED', `The bundle names what it does not have: ${missing.slice(0, 5).join(', ')}.`)
}

function fileOf(sealed: BundleFiles, path: string): Buffer {
  const bytes = sealed.get(path)
  if (bytes === undefined) throw new Fault('BUNDLE_UNVERIFIED', `The sealed bundle has no ${path}.`)
  return bytes
}

/** Facts leave as output, shared by all requests. */
function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) frozen(item)
  }
  return value
}
