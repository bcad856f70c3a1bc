import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'

export type Files = ReadonlyMap<string, Buffer>

/** The example registry at the points of its history, each as files by path from the top. */
export type Example = { first: Files; tip: Files; fasterCard: Files; unapproved: Files }

export const EXAMPLE_FOLDER = join(PACKAGE_ROOT, 'example-registry')
const OVERLAYS = 'history/'
const REMOVED = 'REMOVED'

/** Reads `example-registry/`: its root is the tip of `main`, and `history/` holds what differs before and on branches. */
export async function readExample(): Promise<Example> {
  const all = await readFolder(EXAMPLE_FOLDER)
  const tip = new Map([...all].filter(([path]) => !path.startsWith(OVERLAYS)))
  return {
    first: overlaid(tip, all, '1-retail-bank-1.0.0'),
    tip,
    fasterCard: overlaid(tip, all, 'branch-faster-card'),
    unapproved: overlaid(tip, all, 'branch-unapproved'),
  }
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

/** Names of the folders under `tenants/`. */
export function tenantNames(files: Files): string[] {
  const names = [...files.keys()].flatMap((path) => (path.startsWith('tenants/') ? [path.split('/')[1]!] : []))
  return [...new Set(names)].sort()
}
