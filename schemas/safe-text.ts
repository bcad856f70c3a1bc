import type { Problem } from './document.ts'
import { placesOf } from './document.ts'
import type { Limits } from './limits.ts'
import type { Reason } from './reasons.ts'

/**
 * Characters that make a file read otherwise than it looks, or differ between tools: C0 and C1 controls except the
 * line feed, Unicode line ends, bidirectional controls (Trojan Source), byte order marks and non-characters.
 */
const CONTROLS = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Noncharacter_Code_Point}\u2028\u2029\ufeff\ufff9-\ufffb]/u
const CONTROLS_AND_TAB = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Noncharacter_Code_Point}\u2028\u2029\ufeff\ufff9-\ufffb]/u
const SURROGATE = /\p{Surrogate}/u

export type Text = { text: string; problem: null } | { text: null; problem: Problem }

/** Bytes as text: strict UTF-8, LF only, no invisible controls, within `limits`. `tabs` says whether tabs may stand in it. */
export function safeText(bytes: Uint8Array, limits: Limits, code: Reason, tabs: 'tabs' | 'no tabs'): Text {
  const refuse = (line: number, column: number, message: string, hint: string, reason: Reason = code): Text => ({
    text: null,
    problem: { code: reason, malformed: true, line, column, message, hint },
  })
  if (bytes.length > limits.bytes) {
    const message = `expected at most ${limits.bytes} bytes, found ${bytes.length}`
    return refuse(1, 1, message, 'Make the file smaller, or divide it.', 'FILE_TOO_LARGE')
  }
  const decoded = decodeUtf8(bytes, code)
  if (decoded.text === null) return decoded
  const { text } = decoded
  const forbidden = (tabs === 'tabs' ? CONTROLS : CONTROLS_AND_TAB).exec(text)
  if (forbidden !== null) {
    const { line, column } = placesOf(text)(forbidden.index)
    return refuse(line, column, `the character ${nameOf(forbidden[0])} may not stand here`, hintFor(forbidden[0]))
  }
  return checkLines(text, limits, refuse)
}

function checkLines(
  text: string,
  limits: Limits,
  refuse: (line: number, column: number, message: string, hint: string) => Text,
): Text {
  let line = 1
  for (let start = 0; start <= text.length; line++) {
    const end = text.indexOf('\n', start)
    const length = (end === -1 ? text.length : end) - start
    if (length > limits.lineLength) {
      const message = `expected lines of at most ${limits.lineLength} characters, found ${length}`
      return refuse(line, limits.lineLength + 1, message, 'Break the line.')
    }
    if (end === -1) break
    if (line > limits.lines) {
      return refuse(line, 1, `expected at most ${limits.lines} lines, found more`, 'Make the file smaller.')
    }
    start = end + 1
  }
  return { text, problem: null }
}

/** What is wrong with a string that escapes may have put together, or null. Line feeds and tabs may be escaped. */
export function stringProblem(value: string): string | null {
  const control = CONTROLS.exec(value)
  if (control !== null) return `the character ${nameOf(control[0])} may not stand in a string`
  if (SURROGATE.test(value)) return 'half a surrogate pair may not stand in a string'
  return null
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Strict UTF-8 as text; a byte order mark is a character like any other. */
export function decodeUtf8(bytes: Uint8Array, code: Reason): Text {
  try {
    return { text: decoder.decode(bytes), problem: null }
  } catch {
    const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    const place = placesOf(lenient)(Math.max(0, lenient.indexOf('\ufffd')))
    const message = 'expected UTF-8, found bytes that are not'
    return { text: null, problem: { code, malformed: true, ...place, message, hint: 'Save it as UTF-8.' } }
  }
}

function nameOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const name = { '0009': 'tab', '000D': 'carriage return', FEFF: 'byte order mark' }[code]
  return name === undefined ? `U+${code}` : `U+${code} (${name})`
}

function hintFor(character: string): string {
  if (character === '\r') return 'End lines with a line feed only (LF).'
  if (character === '\t') return 'Indent with spaces.'
  if (character === '\ufeff') return 'Save the file as UTF-8 without a byte order mark.'
  return 'Remove it: it cannot be seen, and changes how the file is read.'
}
