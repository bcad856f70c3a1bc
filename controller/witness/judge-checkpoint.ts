import { openCheckpoint, type Checkpoint } from '../../runtime/audit/checkpoint.ts'
import { parseVerifier } from '../../runtime/audit/note.ts'
import { isConsistent } from '../../runtime/audit/proof.ts'
import { openShadowNote, type ShadowNote } from '../../runtime/audit/shadow-note.ts'
import { Fault } from '../../schemas/fault.ts'
import type { CheckpointReport } from '../../schemas/http/fleet.ts'

/** A log as the witness saw it last. */
export type WitnessedLog = Checkpoint & {
  /** Its verifier key; the first one that came counts for good. */
  verifier: string
  /** Who reports it: `operator`, or the tenant of the key. */
  reporter: string
  /** The cosigned note. */
  note: string
  /** What its records say of comparisons, signed by its key; null where they say nothing. */
  shadow: WitnessedShadow | null
}

export type WitnessedShadow = ShadowNote & { note: string }

/** `<registry>/<node>/<worker>/<log id>` */
const ORIGIN = /^([a-z0-9][a-z0-9-]{0,62})\/[a-z0-9][a-z0-9-]{0,62}\/\d{1,4}\/[0-9a-f]{16}$/

/** The signed checkpoint of a report. @throws Fault `REQUEST_INVALID` */
export function checkpointOf({ verifier, checkpoint }: CheckpointReport, registry: string): Checkpoint {
  try {
    const key = parseVerifier(verifier)
    if (ORIGIN.exec(key.name)?.[1] !== registry)
      throw new Fault('UNTRUSTED', `expected the origin ${registry}/<node>/<worker>/<log id>, found ${key.name}`)
    return openCheckpoint(checkpoint, key.name, key)
  } catch (error) {
    if (error instanceof Fault && error.reason === 'UNTRUSTED')
      throw new Fault('REQUEST_INVALID', error.message, { cause: error })
    throw error
  }
}

/** What a report says of comparisons. @throws Fault `REQUEST_INVALID` where it counts what the checkpoint does not cover */
export function shadowOf({ verifier, shadow }: CheckpointReport, { size }: Checkpoint): WitnessedShadow | null {
  if (shadow === undefined) return null
  const read = openShadow(shadow, verifier)
  if (read.size <= size) return { ...read, note: shadow }
  throw new Fault('REQUEST_INVALID', `the comparisons are of ${read.size} records, and the checkpoint of ${size}`)
}

function openShadow(note: string, verifier: string): ShadowNote {
  try {
    return openShadowNote(note, parseVerifier(verifier))
  } catch (error) {
    if (error instanceof Fault) throw new Fault('REQUEST_INVALID', error.message, { cause: error })
    throw error
  }
}

/**
 * Whether a checkpoint extends what was seen of its log. The first of a log is taken as it is.
 * @throws Fault `FORBIDDEN` (another reporter or key), `AUDIT_BROKEN` (shorter or different), `CHECKPOINT_CONFLICT` (proof
 *   from another size than the one seen last)
 */
export function judgeCheckpoint(
  now: Checkpoint,
  { verifier, old_size, proof }: CheckpointReport,
  reporter: string,
  seen: WitnessedLog | null,
): void {
  if (seen === null) {
    if (old_size === 0) return
    throw new Fault('CHECKPOINT_CONFLICT', `${now.origin} is not known here; report it with old_size 0`)
  }
  if (seen.verifier !== verifier || seen.reporter !== reporter)
    throw new Fault('FORBIDDEN', `${now.origin} is reported by somebody else, or under another key`)
  if (now.size < seen.size)
    throw new Fault('AUDIT_BROKEN', `${now.origin} has ${now.size} records, and ${seen.size} were witnessed`)
  if (old_size !== seen.size)
    throw new Fault(
      'CHECKPOINT_CONFLICT',
      `${now.origin}: the proof is from ${old_size}, and ${seen.size} were seen last`,
    )
  const hashes = proof.map((hash) => Buffer.from(hash, 'base64'))
  if (!isConsistent(seen, now, hashes))
    throw new Fault(
      'AUDIT_BROKEN',
      `${now.origin}: its ${now.size} records do not extend the ${seen.size} that were witnessed`,
    )
}
