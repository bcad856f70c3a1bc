import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { Fault } from '../../schemas/fault.ts'
import { NAME } from '../../schemas/names.ts'
import type { Clone } from './clone.ts'

/**
 * Files below `folder` as they stand in the work tree, new ones too and ignored ones not, keyed by their path from the
 * top. What an author checks before a commit; the controller itself reads Git blobs only.
 */
export async function readWorkTree(clone: Clone, folder = '.'): Promise<Map<string, Buffer>> {
  const listed = await clone.git('ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', folder)
  const files = new Map<string, Buffer>()
  for (const path of new Set(listed.split('\0').filter((name) => name !== ''))) {
    const info = await lstat(join(clone.root, path)).catch(removedOnDisk)
    if (info === null) continue
    if (!info.isFile())
      throw new Fault('PATH_INVALID', `${path} is not a plain file; the registry holds plain files only.`)
    files.set(path, await readFile(join(clone.root, path)))
  }
  return files
}

/** The source of one bundle, keyed by paths inside it. */
export function bundleOf(files: ReadonlyMap<string, Buffer>, name: string): BundleFiles {
  const prefix = `bundles/${name}/`
  const own = [...files].filter(([path]) => path.startsWith(prefix))
  return new Map(own.map(([path, body]) => [path.slice(prefix.length), body]))
}

/** Names of the folders under `bundles/`. */
export function bundleNames(paths: Iterable<string>): string[] {
  const names = [...paths].flatMap((path) => (path.startsWith('bundles/') ? [path.split('/')[1]!] : []))
  return [...new Set(names)].filter((name) => NAME.test(name)).sort()
}

/** @throws Fault `USAGE` where the work tree has no such bundle */
export function requireBundle(files: ReadonlyMap<string, Buffer>, name: string): BundleFiles {
  const bundle = bundleOf(files, name)
  if (bundle.size > 0) return bundle
  const known = bundleNames(files.keys())
  throw new Fault(
    'USAGE',
    `There is no bundles/${name}/.${known.length === 0 ? '' : ` There are: ${known.join(', ')}.`}`,
  )
}

function removedOnDisk(error: unknown): null {
  if ((error as { code?: string }).code === 'ENOENT') return null
  throw error
}
