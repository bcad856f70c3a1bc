import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'
import { bundleNames, bundleOf } from '../work-tree.ts'

export type Files = Map<string, Buffer>

/** The example registry at the points of its history, each as files by path from the top. */
export type Example = { first: Files; tip: Files; fasterCard: Files; unapproved: Files }

const OVERLAYS = 'history/'
const REMOVED = 'REMOVED'
/** Stands in alias files of the example for the digest that the bundle beside it has. */
const UNFILLED = `sha256:${'0'.repeat(64)}`

/** Reads `example-registry/` and fills in the digests that it leaves open. */
export async function readExample(compiler: number): Promise<Example> {
  const all = await readFolder(join(PACKAGE_ROOT, 'example-registry'))
  const tip = new Map([...all].filter(([path]) => !path.startsWith(OVERLAYS)))
  const first = overlaid(tip, all, '1-retail-bank-1.0.0')
  const fasterCard = overlaid(tip, all, 'branch-faster-card')
  const unapproved = overlaid(tip, all, 'branch-unapproved')
  const digests = digestsOf([first, tip, fasterCard, unapproved], compiler)
  const fill = (files: Files) => fillDigests(files, digests)
  return { first: fill(first), tip: fill(tip), fasterCard: fill(fasterCard), unapproved: fill(unapproved) }
}

async function readFolder(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = paths.sort().map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const)
  return new Map(await Promise.all(read))
}

function overlaid(tip: Files, all: Files, overlay: string): Files {
  const prefix = `${OVERLAYS}${overlay}/`
  const files = new Map(tip)
  for (const [path, body] of all) if (path.startsWith(prefix)) files.set(path.slice(prefix.length), body)
  for (const path of (files.get(REMOVED)?.toString() ?? '').split('\n')) files.delete(path)
  files.delete(REMOVED)
  return files
}

/** Digest by `<name>@<version>` of every bundle version in any of the trees; each is compiled once. */
function digestsOf(trees: readonly Files[], compiler: number): Map<string, string> {
  const digests = new Map<string, string>()
  for (const files of trees) {
    for (const name of bundleNames(files.keys())) {
      const source = bundleOf(files, name)
      const version = /^bundle_version: (\S+)$/m.exec(source.get('manifest.yaml')?.toString() ?? '')?.[1]
      const key = `${name}@${version}`
      if (!digests.has(key)) digests.set(key, compileBundle(source, compiler).digest)
    }
  }
  return digests
}

function fillDigests(files: Files, digests: ReadonlyMap<string, string>): Files {
  return new Map(
    [...files].map(([path, body]) => [path, path.includes('/aliases/') ? filled(body.toString(), digests) : body]),
  )
}

function filled(text: string, digests: ReadonlyMap<string, string>): Buffer {
  const [bundle, version] = ['bundle', 'version'].map((key) => new RegExp(`^${key}: (\\S+)$`, 'm').exec(text)?.[1])
  return Buffer.from(text.replace(UNFILLED, digests.get(`${bundle}@${version}`) ?? UNFILLED))
}
