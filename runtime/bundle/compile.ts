import { Fault } from '../../schemas/fault.ts'
import { parseManifest } from '../../schemas/registry/manifest.ts'
import type { Ontology } from '../../schemas/registry/ontology.ts'
import { compileRouter } from '../engine/routing/compile.ts'
import { bundleId, sourceDigest } from './digest.ts'
import type { BundleFiles } from './files.ts'
import { loadBundle, type LoadedBundle } from './load.ts'
import { parseBundle, type ParsedBundle } from './parse.ts'
import { PROGRAM_FILE, ROUTER_FILE, SEALED_FOLDER, type Program } from './program.ts'
import { checkRunnable } from './runnable.ts'

/** `files` are the sealed bundle; `digest` is its identity, `sourceDigest` and `bundleId` those of the source. */
export type CompiledBundle = {
  files: BundleFiles
  sourceDigest: string
  bundleId: string
  digest: string
  loaded: LoadedBundle
}

type RouterOf = (ontology: Ontology) => Buffer

/** What the caller knows of this very source already. */
export type KnownParts = {
  /** The source, parsed without an error. */
  bundle?: ParsedBundle
  /** Gives the router of the ontology. An author's machine keeps those that it compiled before. */
  routerOf?: RouterOf
}

type Compiler = (bundle: ParsedBundle, sourceDigest: string, routerOf: RouterOf) => ReadonlyMap<string, Buffer>

/**
 * Released compilers, by the version that `registry.yaml` names. A released compiler never changes what it makes of a
 * source: seals are compiled again and compared to the byte.
 */
const COMPILERS: ReadonlyMap<number, Compiler> = new Map([[1, compileV1]])

/** The version that a new registry should name. */
export const NEWEST_COMPILER = Math.max(...COMPILERS.keys())

/**
 * Seals a bundle's source: the source, `bundle_id` as the last line of its manifest, and what is compiled under
 * `sealed/`. A deterministic function of the source and the compiler's version (DESIGN section 2).
 * @throws Fault `CONFIG_INVALID` for a compiler that this version does not have; `LAYOUT_INVALID` for a source that is
 *   sealed already; the code of its first finding for a source that does not parse or could not be executed.
 */
export function compileBundle(source: BundleFiles, compiler: number, known: KnownParts = {}): CompiledBundle {
  const compile = COMPILERS.get(compiler)
  if (compile === undefined) {
    const versions = [...COMPILERS.keys()].join(', ')
    throw new Fault(
      'CONFIG_INVALID',
      `compiler ${compiler}: this version has the compilers ${versions}; correct registry.yaml.`,
    )
  }
  refuseSealed(source)
  const digestOfSource = sourceDigest(source)
  const bundle = known.bundle ?? parseSource(source)
  checkRunnable(bundle)
  const files = new Map([
    ...source,
    ['manifest.yaml', sealedManifest(source, bundleId(digestOfSource))],
    ...compile(bundle, digestOfSource, known.routerOf ?? compileRouter),
  ])
  const loaded = loadBundle(files)
  return { files, sourceDigest: digestOfSource, bundleId: bundleId(digestOfSource), digest: loaded.digest, loaded }
}

function compileV1(
  { manifest, ontology, entities, policies, valuesSchema }: ParsedBundle,
  digest: string,
  routerOf: RouterOf,
): ReadonlyMap<string, Buffer> {
  const { language, routing, fallback, intents } = ontology
  const program: Program = {
    format: 1,
    compiler: 1,
    source_digest: digest,
    manifest: { ...manifest, bundle_id: bundleId(digest) },
    ontology: {
      language,
      routing,
      fallback,
      intents: intents.map(({ utterances: _u, negatives: _n, ...intent }) => intent),
    },
    entities: Object.fromEntries([...entities].sort(([a], [b]) => (a < b ? -1 : 1))),
    policies,
    values: valuesSchema,
  }
  return new Map([
    [PROGRAM_FILE, Buffer.from(`${JSON.stringify(program, null, 2)}\n`)],
    [ROUTER_FILE, routerOf(ontology)],
  ])
}

function refuseSealed(source: BundleFiles): void {
  const sealed = [...source.keys()].find((path) => path.startsWith(SEALED_FOLDER))
  if (sealed !== undefined)
    throw new Fault('LAYOUT_INVALID', `${sealed}: sealed/ is the controller's to write; remove it.`)
}

function parseSource(source: BundleFiles): ParsedBundle {
  const { bundle, findings } = parseBundle(source, '')
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (bundle === null || first !== undefined) {
    const told =
      first === undefined
        ? 'the bundle does not parse'
        : `${first.path}:${first.line}:${first.column}: ${first.message}`
    throw new Fault(first?.code ?? 'LAYOUT_INVALID', told, { findings: errors })
  }
  return bundle
}

/** The manifest with `bundle_id` as its last line, read again: not every YAML takes one more line at its end. */
function sealedManifest(source: BundleFiles, id: string): Buffer {
  const text = source.get('manifest.yaml')?.toString('utf8') ?? ''
  const sealed = Buffer.from(`${text}bundle_id: ${id}\n`)
  const { value } = parseManifest(sealed, 'manifest.yaml', 'sealed')
  if (!text.endsWith('\n') || value?.bundle_id !== id) {
    throw new Fault(
      'MANIFEST_INVALID',
      'manifest.yaml: write one key a line, the last line too, so that bundle_id can follow.',
    )
  }
  return sealed
}
