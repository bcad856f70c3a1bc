import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { openPlain } from './durable-fs.ts'

const LINE = /^([0-9a-f]{40}) (refs\/\S+)$/
const PEELED = /^\^[0-9a-f]{40}$/
const MAX_BYTES = 64 * 1024 * 1024

/** The refs of `packed-refs`, all names as they stand there, and its lines. */
export type PackedRefs = { refs: ReadonlyMap<string, string>; lines: readonly string[] }

const NONE: PackedRefs = { refs: new Map(), lines: [] }

/** Reads `packed-refs`, and again only when the file was replaced. */
export function packedRefsReader(gitdir: string): () => Promise<PackedRefs> {
  const path = join(gitdir, 'packed-refs')
  let known: { stamp: string; packed: PackedRefs } | null = null
  return async () => {
    const handle = await openPlain(path)
    if (handle === null) return NONE
    if (handle === 'link') throw new Fault('REPOSITORY_UNSAFE', `${path} is a link; replace it by the file itself`)
    try {
      const stat = await handle.stat({ bigint: true })
      const stamp = stampOf(stat)
      if (known?.stamp === stamp) return known.packed
      if (stat.size > MAX_BYTES) throw new Fault('REF_CORRUPT', `${path}: expected at most ${MAX_BYTES} bytes`)
      const packed = parsePackedRefs(await handle.readFile('utf8'), path)
      known = { stamp, packed }
      return packed
    } finally {
      await handle.close()
    }
  }
}

/** @throws Fault `REF_CORRUPT` with the line, for anything that git would not have written. */
export function parsePackedRefs(text: string, path: string): PackedRefs {
  if (text === '') return NONE
  const lines = text.split('\n')
  const corrupt = (line: number, what: string) =>
    new Fault('REF_CORRUPT', `${path}:${line}: ${what}; restore it from a clone`)
  if (lines.pop() !== '') throw corrupt(lines.length + 1, 'the file is cut')
  const refs = new Map<string, string>()
  lines.forEach((line, i) => {
    if (line.startsWith('#') && i === 0) return
    if (PEELED.test(line) && refs.size > 0) return
    const [, oid, ref] = LINE.exec(line) ?? []
    if (oid === undefined || ref === undefined || /^0+$/.test(oid)) throw corrupt(i + 1, 'expected "<oid> <ref>"')
    if (refs.has(ref)) throw corrupt(i + 1, `${ref} stands here twice`)
    refs.set(ref, oid)
  })
  return { refs, lines }
}

/** The file without one ref. */
export function withoutRef({ lines }: PackedRefs, ref: string): string {
  const at = lines.findIndex((line) => line.endsWith(` ${ref}`) && LINE.exec(line)?.[2] === ref)
  const peeled = lines[at + 1]?.startsWith('^') ? 2 : 1
  const kept = at < 0 ? lines : [...lines.slice(0, at), ...lines.slice(at + peeled)]
  return kept.map((line) => `${line}\n`).join('')
}

function stampOf(stat: BigIntStats): string {
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join()
}
