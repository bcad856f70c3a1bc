import { Fault } from '../../schemas/fault.ts'

export const FLUSH = Buffer.from('0000')
export const DELIMITER = Buffer.from('0001')
const MAX_LINE = 65520

export function pktLine(line: string | Buffer): Buffer {
  const bytes = Buffer.from(line)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/**
 * The lines of a pkt-line stream, `null` for a flush or delimiter.
 * @throws Fault `REMOTE_INVALID` where it is cut or malformed.
 */
export function* parsePktLines(bytes: Buffer): Generator<Buffer | null> {
  for (let at = 0; at < bytes.length;) {
    const digits = bytes.toString('latin1', at, at + 4)
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw invalid(at)
    const length = Number.parseInt(digits, 16)
    if (length <= 2) {
      yield null
      at += 4
      continue
    }
    if (length < 4 || length > MAX_LINE || at + length > bytes.length) throw invalid(at)
    yield bytes.subarray(at + 4, at + length)
    at += length
  }
}

/** A line as text, without its newline. */
export function textOf(line: Buffer): string {
  return line.toString('utf8').replace(/\n$/, '')
}

function invalid(at: number): Fault {
  return new Fault('REMOTE_INVALID', `the answer of the Git server is cut or malformed at byte ${at}`)
}
