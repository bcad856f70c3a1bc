import { Fault } from '../../schemas/fault.ts'

/** One header line with its continuations joined by newlines, as it stands in a commit or tag. */
export type Header = { name: string; value: string; start: number; end: number }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Splits the raw bytes of a commit or tag into its headers and its message. Text is UTF-8, or, where an `encoding`
 * header says that it is something else, its bytes one by one.
 * @throws Fault `OBJECT_CORRUPT` for bytes that Git would not have written.
 */
export function splitObject(raw: Buffer, what: string): { headers: Header[]; message: string; messageStart: number } {
  const corrupt = (found: string) => new Fault('OBJECT_CORRUPT', `${what}: ${found}`)
  const blank = raw.indexOf('\n\n')
  if (blank < 0) throw corrupt('expected headers, an empty line and a message')
  if (raw.includes(0)) throw corrupt('it holds a NUL byte')
  const decode = decoder(raw.subarray(0, blank))
  const headers: Header[] = []
  for (let at = 0; at <= blank;) {
    let end = raw.indexOf(10, at)
    while (raw[end + 1] === 0x20 && end < blank) end = raw.indexOf(10, end + 1)
    const line = decode(raw.subarray(at, end), corrupt)
    const space = line.indexOf(' ')
    if (!/^[A-Za-z][A-Za-z0-9:_-]* /.test(line))
      throw corrupt(`expected a header, found ${JSON.stringify(line.slice(0, 40))}`)
    headers.push({
      name: line.slice(0, space),
      value: line.slice(space + 1).replaceAll('\n ', '\n'),
      start: at,
      end: end + 1,
    })
    at = end + 1
  }
  return { headers, message: decode(raw.subarray(blank + 2), corrupt), messageStart: blank + 2 }
}

function decoder(headers: Buffer): (bytes: Buffer, corrupt: (found: string) => Fault) => string {
  if (headers.includes('\nencoding ')) return (bytes) => bytes.toString('latin1')
  return (bytes, corrupt) => {
    try {
      return utf8.decode(bytes)
    } catch {
      throw corrupt('its text is not UTF-8')
    }
  }
}
