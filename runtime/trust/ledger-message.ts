import { Fault } from '../../schemas/fault.ts'
import { DIGEST, NAME, OID } from '../../schemas/names.ts'

/** What the message of a commit on `live` says; the signature covers it. */
export type LedgerMessage = {
  subject: string
  registry: string
  seq: number
  epoch: number
  /** The commit on `main` that was judged. */
  source: string
  /** `sha256:` digest of entry.json. */
  entry: string
}

const FORM =
  /^([^\n]{1,200})\n\nRegistry: ([^\n]+)\nSeq: (0|[1-9]\d{0,15})\nEpoch: ([1-9]\d{0,15})\nSource: ([^\n]+)\nEntry: ([^\n]+)\n$/
const MAX_SUBJECT_CODE_POINTS = 100

/** DESIGN section 3. The subject is cut to 100 characters and loses its control characters. */
export function formatLedgerMessage({ subject, registry, seq, epoch, source, entry }: LedgerMessage): string {
  const line = subject.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  const title = Array.from(line).slice(0, MAX_SUBJECT_CODE_POINTS).join('') || 'entry'
  return `${title}\n\nRegistry: ${registry}\nSeq: ${seq}\nEpoch: ${epoch}\nSource: ${source}\nEntry: ${entry}\n`
}

/** Accepts only what `formatLedgerMessage` writes. @throws Fault `LEDGER_BROKEN`, naming the commit. */
export function parseLedgerMessage(message: string, oid: string): LedgerMessage {
  const [, subject = '', registry = '', seq, epoch, source = '', entry = ''] = FORM.exec(message) ?? []
  const parsed = { subject, registry, seq: Number(seq), epoch: Number(epoch), source, entry }
  const counted = Number.isSafeInteger(parsed.seq) && Number.isSafeInteger(parsed.epoch)
  if (!counted || !NAME.test(registry) || !OID.test(source) || !DIGEST.test(entry))
    throw new Fault(
      'LEDGER_BROKEN',
      `commit ${oid}: expected Registry, Seq, Epoch, Source and Entry as the last lines of its message`,
    )
  return parsed
}
