import { patchTree } from '../../runtime/git/tree-files.ts'
import type { ObjectReader, ObjectWriter } from '../../runtime/git/object-reader.ts'
import { formatLedgerMessage } from '../../runtime/trust/ledger-message.ts'
import { changedFiles, ENTRY_PATH, formatStateFile, sha256Digest, stateRoot } from '../../runtime/trust/state-files.ts'
import type { Decision, Entry } from '../../schemas/ledger/entry.ts'
import { controllerPerson } from './controller-person.ts'
import type { Signer } from './sign.ts'
import { writeSignedCommit } from './signed-objects.ts'
import { subjectLine } from './subject-line.ts'

/** The entry before, as far as the next one builds on it; null at seq 0. */
export type Before = { oid: string; entry: string; tree: string; files: ReadonlyMap<string, string> } | null

export type NewEntry = {
  registry: string
  epoch: number
  seq: number
  at: Date
  source: string
  covers: readonly string[]
  decisions: readonly Decision[]
  /** Bytes of the state files that change, by path; null removes. */
  changes: ReadonlyMap<string, Buffer | null>
}

/** Writes the signed commit of an entry on top of the one before. No ref names it yet. */
export async function writeEntry(
  repository: ObjectReader & ObjectWriter,
  signer: Signer,
  before: Before,
  entry: NewEntry,
): Promise<string> {
  const { registry, epoch, seq, source, covers, decisions, changes } = entry
  const written: Entry = {
    seq,
    prev: before?.entry ?? null,
    at: entry.at.toISOString(),
    source,
    covers: [...covers],
    state_root: stateRoot(changedFiles(before?.files ?? new Map(), changes)),
    decisions: [...decisions],
  }
  const bytes = formatStateFile(written)
  const tree = await patchTree(repository, before?.tree ?? null, new Map([...changes, [ENTRY_PATH, bytes]]))
  return writeSignedCommit(repository, signer, {
    tree,
    parents: before === null ? [] : [before.oid],
    person: controllerPerson(registry, entry.at),
    message: formatLedgerMessage({
      subject: subjectLine(decisions),
      registry,
      seq,
      epoch,
      source,
      entry: sha256Digest(bytes),
    }),
  })
}
