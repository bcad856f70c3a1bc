import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Finding } from '../../../schemas/finding.ts'
import { NAME } from '../../../schemas/names.ts'
import type { Clone } from './clone.ts'

/** What belongs to the registry; everything else at the top is the team's own (DESIGN section 2). */
export const REGISTRY_PATHS: readonly string[] = ['registry.yaml', 'governance', 'bundles', 'tenants', 'approvals']

/** Files of the registry by path from its top, and what is there that is no plain file. */
export type WorkTree = { files: Map<string, Buffer>; findings: Finding[] }

const EXECUTABLE = 0o100

/**
 * Files of the registry as they stand in the work tree, new ones too and ignored ones not. What an author checks before
 * a commit; the controller itself reads Git blobs only.
 */
export async function lookAtWorkTree(clone: Clone, paths: readonly string[] = REGISTRY_PATHS): Promise<WorkTree> {
  const [listed, fileMode] = await Promise.all([
    clone.git('ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...paths),
    clone.git('config', '--default', 'true', '--get', 'core.fileMode'),
  ])
  const hasModes = fileMode === 'true'
  const names = [...new Set(listed.split('\0').filter((name) => name !== ''))].sort()
  const files = new Map<string, Buffer>()
  const findings: Finding[] = []
  const read = await Promise.all(names.map((path) => readEntry(join(clone.root, path))))
  for (const [index, path] of names.entries()) {
    const entry = read[index] ?? null
    if (entry === null) continue
    if (entry.body !== null) files.set(path, entry.body)
    if (entry.body === null) findings.push(notPlain(path, 'a link or a folder of another repository'))
    else if (hasModes && (entry.mode & EXECUTABLE) !== 0) findings.push(notPlain(path, 'an executable file'))
  }
  return { files, findings }
}

/** The files alone. @throws Fault `PATH_INVALID` where something is no plain file */
export async function readWorkTree(
  clone: Clone,
  paths: readonly string[] = REGISTRY_PATHS,
): Promise<Map<string, Buffer>> {
  const { files, findings } = await lookAtWorkTree(clone, paths)
  const [first] = findings
  if (first === undefined) return files
  throw new Fault('PATH_INVALID', `${first.path}: ${first.message}`, { findings })
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
    `There is no bundles/${name}/.${known.length === 0 ? ' `contractor new bundle` makes one.' : ` There are: ${known.join(', ')}.`}`,
  )
}

/** `body` is null for what is no plain file; null for what is listed and gone from the disk. */
async function readEntry(path: string): Promise<{ body: Buffer | null; mode: number } | null> {
  const info = await lstat(path).catch(removedOnDisk)
  if (info === null) return null
  return { body: info.isFile() ? await readFile(path) : null, mode: info.mode }
}

function removedOnDisk(error: unknown): null {
  const { code } = error as { code?: string }
  if (code === 'ENOENT' || code === 'ENOTDIR') return null
  throw error
}

function notPlain(path: string, found: string): Finding {
  const place = { path, line: 1, column: 1 }
  const message = `expected a plain file (mode 100644), found ${found}`
  const hint = 'Replace it by a plain file, `chmod -x` an executable one.'
  return { gate: 'layout', code: 'PATH_INVALID', severity: 'error', ...place, message, hint }
}
