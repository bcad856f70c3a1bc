import { Fault } from '../../schemas/fault.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { leafHash } from './merkle.ts'
import { parseVerifier } from './note.ts'
import { rootFromInclusion } from './proof.ts'

/** A proof that a record is in a log, which needs nothing but itself, the record and the log's verifier key (C2SP tlog-proof). */
export type TlogProof = { index: number; path: Buffer[]; checkpoint: string }

const HEADER = 'c2sp.org/tlog-proof@v1'

export function formatTlogProof({ index, path, checkpoint }: TlogProof): string {
  const hashes = path.map((node) => `${node.toString('base64')}\n`).join('')
  return `${HEADER}\nindex ${index}\n${hashes}\n${checkpoint}`
}

function malformed(why: string): Fault {
  return new Fault('UNTRUSTED', `the proof is malformed: ${why}`)
}

/** @throws Fault `UNTRUSTED` when the text is not a proof */
export function parseTlogProof(text: string): TlogProof {
  const border = text.indexOf('\n\n')
  if (border === -1) throw malformed('it has no checkpoint')
  const lines = text.slice(0, border).split('\n')
  if (lines.shift() !== HEADER) throw malformed(`expected ${HEADER} in its first line`)
  if (lines[0]?.startsWith('extra ') === true) lines.shift()
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1]
  if (index === undefined) throw malformed('expected the index of the record')
  const path = lines.map((line) => {
    const node = Buffer.from(line, 'base64')
    if (node.length !== 32 || node.toString('base64') !== line) throw malformed('expected hashes of 32 bytes in base64')
    return node
  })
  return { index: Number(index), path, checkpoint: text.slice(border + 2) }
}

/**
 * @param verifier the log's published key, `<origin>+<id>+<key>`: its name is the origin that is accepted
 * @returns where the record stands, and in which log
 * @throws Fault `UNTRUSTED` when the proof does not show that the log has this record
 */
export function verifyTlogProof(
  text: string,
  entry: Uint8Array,
  verifier: string,
): { index: number; checkpoint: Checkpoint } {
  const { index, path, checkpoint: note } = parseTlogProof(text)
  const key = parseVerifier(verifier)
  const checkpoint = openCheckpoint(note, key.name, key)
  const root = rootFromInclusion(index, checkpoint.size, leafHash(entry), path)
  if (root?.equals(checkpoint.root) === true) return { index, checkpoint }
  throw new Fault(
    'UNTRUSTED',
    `the proof does not lead from the record to the root of ${checkpoint.origin} at ${checkpoint.size}`,
  )
}
