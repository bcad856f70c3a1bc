import { Fault } from '../../schemas/fault.ts'
import { openNote, signNote, type NoteSigner, type NoteVerifier } from './note.ts'

/** The state of a log: `size` records under `root` (C2SP tlog-checkpoint). */
export type Checkpoint = { origin: string; size: number; root: Buffer }

export function signCheckpoint({ origin, size, root }: Checkpoint, signer: NoteSigner): string {
  return signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, signer)
}

/** @throws Fault `UNTRUSTED` when it is malformed, of another origin, or not signed by `verifier`. */
export function openCheckpoint(note: string, origin: string, verifier: NoteVerifier): Checkpoint {
  const [found, size = '', root = '', rest] = openNote(note, verifier).split('\n')
  const bytes = Buffer.from(root, 'base64')
  const isWhole = /^(?:0|[1-9]\d{0,15})$/.test(size) && bytes.length === 32 && bytes.toString('base64') === root
  if (!isWhole || rest !== '')
    throw new Fault('UNTRUSTED', 'the note is not a checkpoint: expected origin, size and root')
  if (found !== origin) throw new Fault('UNTRUSTED', `the checkpoint is of the log ${found}, not of ${origin}`)
  return { origin, size: Number(size), root: bytes }
}
