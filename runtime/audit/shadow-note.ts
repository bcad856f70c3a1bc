import type { ShadowCount } from '../../schemas/http/shadow.ts'
import { Fault } from '../../schemas/fault.ts'
import { openNote, signNote, type NoteSigner, type NoteVerifier } from './note.ts'

/** What the first `size` records of a log say of comparisons. */
export type ShadowNote = { origin: string; size: number; counts: ShadowCount[] }

/** Pairs of bundles that are counted at most; those that were compared longest ago are forgotten first. */
export const MAX_PAIRS = 512

// No origin has a space in it, so that neither this note nor a checkpoint can be taken for the other.
const TITLE = 'contractor shadow v1'
const LINE =
  /^([a-z0-9][a-z0-9-]{0,62}) (sha256:[0-9a-f]{64}) (sha256:[0-9a-f]{64}) (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14})$/

/** A C2SP signed note by the key that signs the log's checkpoints: whoever reads the log can count again. */
export function signShadowNote({ origin, size, counts }: ShadowNote, signer: NoteSigner): string {
  const lines = counts.map(({ tenant, against, digest, agreed, differed }) =>
    [tenant, against, digest, agreed, differed].join(' '),
  )
  return signNote([TITLE, origin, size, ...lines, ''].join('\n'), signer)
}

/** @throws Fault `UNTRUSTED` where it is malformed, of another log, or not signed by `verifier` */
export function openShadowNote(note: string, verifier: NoteVerifier): ShadowNote {
  const [title, origin, size = '', ...lines] = openNote(note, verifier).slice(0, -1).split('\n')
  if (title !== TITLE || origin !== verifier.name || !/^(?:0|[1-9]\d{0,14})$/.test(size))
    throw new Fault('UNTRUSTED', `the note does not count comparisons of the log ${verifier.name}`)
  if (lines.length > MAX_PAIRS) throw new Fault('UNTRUSTED', `the note counts more than ${MAX_PAIRS} pairs`)
  return { origin, size: Number(size), counts: lines.map(countOf) }
}

function countOf(line: string): ShadowCount {
  const [, tenant = '', against = '', digest = '', agreed, differed] = LINE.exec(line) ?? []
  if (tenant === '') throw new Fault('UNTRUSTED', `"${line.slice(0, 200)}" counts no comparisons`)
  return { tenant, against, digest, agreed: Number(agreed), differed: Number(differed) }
}
