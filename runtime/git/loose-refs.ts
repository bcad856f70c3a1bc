import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { absentAsNull, openPlain } from './durable-fs.ts'

const VALUE = /^(?!0{40})[0-9a-f]{40}\n$/
/** Longer than any ref or symbolic ref. */
const MAX_BYTES = 1024

/**
 * The value of the file of one ref; `null` only where there is none.
 * @throws Fault `REF_CORRUPT` for an empty, torn or symbolic ref, `REPOSITORY_UNSAFE` where its path leads through a
 * link.
 */
export async function readLooseRef(gitdir: string, ref: string): Promise<string | null> {
  const text = await readRefFile(gitdir, ref)
  if (text === null) return null
  if (VALUE.test(text)) return text.slice(0, 40)
  const found = text.startsWith('ref:') ? 'a symbolic ref' : JSON.stringify(text.slice(0, 60))
  throw new Fault(
    'REF_CORRUPT',
    `${join(gitdir, ref)}: expected an object id and a newline, found ${found}; restore it from a clone`,
  )
}

/** The text of a file below the git directory, reached through no link. */
export async function readRefFile(gitdir: string, ref: string): Promise<string | null> {
  const path = join(gitdir, ref)
  const parents: string[] = []
  for (let parent = dirname(ref); parent !== '.'; parent = dirname(parent)) parents.push(join(gitdir, parent))
  const stats = await Promise.all(parents.map((parent) => absentAsNull(lstat(parent))))
  const link = stats.findIndex((stat) => stat?.isSymbolicLink())
  if (link >= 0) throw unsafe(parents[link] ?? path)
  const handle = await openPlain(path)
  if (handle === null) return null
  if (handle === 'link') throw unsafe(path)
  try {
    const stat = await handle.stat()
    if (stat.isDirectory()) return null
    if (!stat.isFile() || stat.size > MAX_BYTES) throw new Fault('REF_CORRUPT', `${path}: expected a small plain file`)
    return await handle.readFile('latin1')
  } finally {
    await handle.close()
  }
}

function unsafe(path: string): Fault {
  return new Fault('REPOSITORY_UNSAFE', `${path} is a link; replace it by the file itself`)
}
