import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { absentAsNull, lstatOrNull } from './durable-fs.ts'

/** Files by which git would read other history or other objects than those that stand here (ATTACKS A23). */
const REFUSED = [
  'info/grafts',
  'objects/info/alternates',
  'objects/info/http-alternates',
  'commondir',
  'gitdir',
  'refs/replace',
]

/**
 * Looks whether a git directory holds only what this product and stock git read alike.
 * @throws Fault `REPOSITORY_UNSAFE` naming the thing and what to do.
 */
export async function assertSafe(gitdir: string): Promise<void> {
  await Promise.all([
    ...REFUSED.map((name) => assertAbsent(gitdir, name)),
    assertKind(gitdir, 'objects', 'directory'),
    assertKind(gitdir, 'refs', 'directory'),
    assertKind(gitdir, 'HEAD', 'file'),
    assertFormat(gitdir),
  ])
}

/** As `assertSafe`, and looks at every name under `refs` and the directories under `objects` for links. */
export async function assertSafeThroughout(gitdir: string): Promise<void> {
  await assertSafe(gitdir)
  await assertNoLinks(join(gitdir, 'refs'), Infinity)
  await assertNoLinks(join(gitdir, 'objects'), 1)
  const packed = (await absentAsNull(readFile(join(gitdir, 'packed-refs'), 'latin1'))) ?? ''
  if (packed.includes(' refs/replace/')) throw unsafe(gitdir, 'packed-refs', 'holds replace refs; delete them')
}

async function assertAbsent(gitdir: string, name: string): Promise<void> {
  const stat = await lstatOrNull(join(gitdir, name))
  if (stat === null) return
  if (stat.isDirectory() && (await readdir(join(gitdir, name))).length === 0) return
  throw unsafe(gitdir, name, 'makes git read something else than what stands here; remove it')
}

async function assertKind(gitdir: string, name: string, kind: 'directory' | 'file'): Promise<void> {
  const stat = await lstatOrNull(join(gitdir, name))
  if (kind === 'directory' ? stat?.isDirectory() : stat?.isFile()) return
  throw unsafe(gitdir, name, `expected a plain ${kind}; is this a Git repository?`)
}

async function assertFormat(gitdir: string): Promise<void> {
  const config = (await absentAsNull(readFile(join(gitdir, 'config'), 'utf8'))) ?? ''
  const version = /^\s*repositoryformatversion\s*=\s*(\S+)/im.exec(config)?.[1] ?? '0'
  if (version !== '0' && version !== '1')
    throw unsafe(gitdir, 'config', `has format version ${version}; expected 0 or 1`)
  if (/^\s*objectformat\s*=\s*sha256/im.test(config))
    throw unsafe(gitdir, 'config', 'names SHA-256 objects; expected SHA-1')
  if (/^\s*refstorage\s*=\s*(?!files)/im.test(config))
    throw unsafe(gitdir, 'config', 'keeps refs elsewhere; expected files')
}

async function assertNoLinks(directory: string, depth: number): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isSymbolicLink()) throw new Fault('REPOSITORY_UNSAFE', `${path} is a link; replace it by what it names`)
    if (entry.isDirectory() && (depth > 1 || entry.name === 'pack')) await assertNoLinks(path, depth - 1)
  }
}

function unsafe(gitdir: string, name: string, what: string): Fault {
  return new Fault('REPOSITORY_UNSAFE', `${join(gitdir, name)} ${what}`)
}
