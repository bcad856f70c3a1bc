import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { absentAsNull, makeDirectory, removeLeftovers, writeDurably } from '../../runtime/git/durable-fs.ts'
import type { AcceptedHead } from '../../runtime/trust/ledger-step.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'

/**
 * What a controller keeps on its own disk: the last head that it wrote or verified, to which it restores a rewound
 * `live`, and the refusals that stood there, so that it need not read all entries again.
 */
export type MemoryFiles = {
  /** Oid of the head. */
  readHead(): Promise<string | null>
  writeHead(head: AcceptedHead): Promise<void>
  /** Null where it was kept for another head. */
  readStanding(head: string): Promise<Decision[] | null>
  writeStanding(head: string, standing: readonly Decision[]): Promise<void>
}

export async function openMemoryFiles(dir: string): Promise<MemoryFiles> {
  await makeDirectory(dir)
  await removeLeftovers(dir)
  const headFile = join(dir, 'head.json')
  const standingFile = join(dir, 'standing.json')
  return {
    async readHead() {
      const text = await absentAsNull(readFile(headFile, 'utf8'))
      return text === null ? null : (parse(text, headFile) as AcceptedHead).oid
    },
    async writeHead({ oid, seq, epoch, entryDigest, tree }) {
      await writeDurably(headFile, `${JSON.stringify({ oid, seq, epoch, entryDigest, tree }, null, 2)}\n`, 0o600)
    },
    async readStanding(head) {
      const text = await absentAsNull(readFile(standingFile, 'utf8'))
      if (text === null) return null
      const kept = parse(text, standingFile) as { head: string; standing: Decision[] }
      return kept.head === head ? kept.standing : null
    },
    async writeStanding(head, standing) {
      await writeDurably(standingFile, `${JSON.stringify({ head, standing })}\n`, 0o600)
    },
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const message = `${file} is damaged. Compare live with a clone that you trust, then remove the file: live is verified again from its first entry.`
    throw new Fault('CONFIG_INVALID', message, { cause: error })
  }
}
