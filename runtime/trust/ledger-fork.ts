import type { Root } from '../../schemas/ledger/trust.ts'
import { parseCommit } from '../git/commit-object.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import { parseLedgerMessage } from './ledger-message.ts'
import { MAX_COMMIT_BYTES, verifyAlone, type VerifiedLedger } from './ledger-step.ts'
import { readChanges } from './state.ts'

/**
 * Where a ledger of a later epoch left the one that was accepted: the commit that the root named in the record of that
 * epoch, and the oids after it, oldest first. The record itself is verified with the first of them, by `verifyStep`,
 * which accepts it only on top of exactly this base.
 * @throws Fault `UNTRUSTED`, `LEDGER_BROKEN`
 */
export async function forkBase(
  reader: ObjectReader,
  root: Root,
  acceptedEpoch: number,
  head: string,
): Promise<{ base: VerifiedLedger; oids: string[] }> {
  const oids: string[] = []
  for (let oid: string | undefined = head; oid !== undefined;) {
    const raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
    const { parents, tree, message } = parseCommit(raw)
    const { epoch } = parseLedgerMessage(message, oid)
    if (epoch <= acceptedEpoch && oids.length > 0) {
      const { changes: files, entry } = await readChanges(reader, null, tree)
      return { base: verifyAlone(root, { oid, raw, entry, files }), oids: oids.reverse() }
    }
    oids.push(oid)
    oid = parents[0]
  }
  throw new Fault('LEDGER_BROKEN', `live at ${head} is of a later epoch, but of no earlier one`)
}
