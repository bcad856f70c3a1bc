import { documentOf, placesOf, type Offsets, type Reading } from './document.ts'
import { HAND_WRITTEN, type Limits } from './limits.ts'
import { decodeUtf8, safeText, stringProblem, type Text } from './safe-text.ts'
import { FORBIDDEN_KEYS, numberProblem, Offence, shown } from './safe-value.ts'

/**
 * RFC 8259 with unique keys, numbers that read back as written, and `limits`. In a `file` every string obeys the rules
 * of `safeText`; in a `message` from outside, text is anybody's and only half surrogate pairs are refused. Never throws.
 */
export function safeJson(
  bytes: Uint8Array,
  limits: Limits = HAND_WRITTEN,
  source: 'file' | 'message' = 'file',
): Reading {
  const { text, problem } =
    source === 'file' ? safeText(bytes, limits, 'JSON_INVALID', 'tabs') : messageText(bytes, limits)
  if (text === null) return { document: null, problems: [problem] }
  const placeOf = placesOf(text)
  const offsets: Offsets = new Map()
  try {
    const scanner = new Scanner(text, limits, source, offsets)
    const { value, start } = scanner.document()
    return { document: documentOf(value, scanner.nodes, start, offsets, placeOf), problems: [] }
  } catch (error) {
    if (!(error instanceof Offence)) throw error
    return { document: null, problems: [error.toProblem('JSON_INVALID', placeOf)] }
  }
}

function messageText(bytes: Uint8Array, limits: Limits): Text {
  if (bytes.length <= limits.bytes) return decodeUtf8(bytes, 'JSON_INVALID')
  const message = `expected at most ${limits.bytes} bytes, found ${bytes.length}`
  const problem = { code: 'FILE_TOO_LARGE', malformed: false, line: 1, column: 1, message, hint: 'Send less.' } as const
  return { text: null, problem }
}

const [TAB, LINE_FEED, RETURN, SPACE, QUOTE, COMMA, COLON, BACKSLASH] = [9, 10, 13, 32, 34, 44, 58, 92]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT, MINUS, ZERO, NINE] = [91, 93, 123, 125, 45, 48, 57]
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const WORDS: readonly [string, unknown][] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/** One pass from left to right; every method begins at the first character of what it reads and ends behind it. */
class Scanner {
  readonly #text: string
  readonly #limits: Limits
  readonly #source: 'file' | 'message'
  readonly #offsets: Offsets
  #at = 0
  nodes = 0

  constructor(text: string, limits: Limits, source: 'file' | 'message', offsets: Offsets) {
    this.#text = text
    this.#limits = limits
    this.#source = source
    this.#offsets = offsets
  }

  document(): { value: unknown; start: number } {
    this.#space()
    if (this.#at === this.#text.length) throw new Offence(0, 'the file is empty', 'Write the document.', true)
    const start = this.#at
    const value = this.#value(0)
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected('the end')
    return { value, start }
  }

  #value(depth: number): unknown {
    if (++this.nodes > this.#limits.nodes) {
      throw new Offence(this.#at, `expected at most ${this.#limits.nodes} values`, 'Divide it.', false)
    }
    if (depth > this.#limits.depth) {
      throw new Offence(this.#at, `nested deeper than ${this.#limits.depth} levels`, 'Make it flatter.', false)
    }
    const code = this.#text.charCodeAt(this.#at)
    if (code === QUOTE) return this.#string()
    if (code === OPEN_OBJECT) return this.#object(depth)
    if (code === OPEN_ARRAY) return this.#array(depth)
    if (code === MINUS || (code >= (ZERO ?? 0) && code <= (NINE ?? 0))) return this.#number()
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    throw this.#unexpected('a value')
  }

  #object(depth: number): object {
    const start = this.#at++
    const object: Record<string, unknown> = {}
    const spots = new Map<string, [number, number]>()
    this.#space()
    if (this.#text.charCodeAt(this.#at) === CLOSE_OBJECT) this.#at++
    else {
      do {
        this.#space()
        const keyAt = this.#at
        if (this.#text.charCodeAt(keyAt) !== QUOTE) throw this.#unexpected('a key in double quotes')
        const key = this.#string()
        this.#checkKey(key, keyAt, spots)
        this.#space()
        if (this.#text.charCodeAt(this.#at) !== COLON) throw this.#unexpected('":"')
        this.#at++
        this.#space()
        spots.set(key, [keyAt, this.#at])
        object[key] = this.#value(depth + 1)
      } while (this.#continues(CLOSE_OBJECT, '"," or "}"'))
    }
    if (spots.size > this.#limits.keys) {
      throw new Offence(start, `expected at most ${this.#limits.keys} keys`, 'Divide the object.', false)
    }
    const flat: number[] = []
    for (const key of Object.keys(object)) flat.push(...(spots.get(key) ?? []))
    this.#offsets.set(object, flat)
    return object
  }

  #checkKey(key: string, offset: number, seen: ReadonlyMap<string, unknown>): void {
    if (seen.has(key)) throw new Offence(offset, `the key ${shown(key)} stands twice`, 'Remove one of the two.', false)
    if (FORBIDDEN_KEYS.has(key)) {
      throw new Offence(offset, `the key ${shown(key)} is not allowed`, 'Use another name.', false)
    }
  }

  #array(depth: number): unknown[] {
    this.#at++
    const array: unknown[] = []
    const spots: number[] = []
    this.#space()
    if (this.#text.charCodeAt(this.#at) === CLOSE_ARRAY) this.#at++
    else {
      do {
        this.#space()
        spots.push(this.#at)
        array.push(this.#value(depth + 1))
      } while (this.#continues(CLOSE_ARRAY, '"," or "]"'))
    }
    this.#offsets.set(array, spots)
    return array
  }

  #continues(close: number | undefined, expected: string): boolean {
    this.#space()
    const code = this.#text.charCodeAt(this.#at)
    if (code !== COMMA && code !== close) throw this.#unexpected(expected)
    this.#at++
    return code === COMMA
  }

  #string(): string {
    const start = this.#at++
    let escaped = false
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === QUOTE) break
      if (code === BACKSLASH) {
        escaped = true
        this.#at++
      } else if (!(code >= (SPACE ?? 0))) {
        throw new Offence(start, 'a string is not closed on its line', 'Close the quote, or write \\n.', true)
      }
    }
    this.#at++
    if (!escaped) return this.#text.slice(start + 1, this.#at - 1)
    const value = unescape(this.#text.slice(start, this.#at))
    if (value === null) throw new Offence(start, 'a string has an escape that JSON does not know', 'Correct it.', true)
    const problem = this.#source === 'file' ? stringProblem(value) : surrogateProblem(value)
    if (problem !== null) throw new Offence(start, problem, 'Remove it.', false)
    return value
  }

  #number(): number {
    NUMBER.lastIndex = this.#at
    const source = NUMBER.exec(this.#text)?.[0]
    if (source === undefined) throw this.#unexpected('a number')
    const value = Number(source)
    const problem = numberProblem(value, source)
    if (problem !== null) throw new Offence(this.#at, problem, 'Write it as text if it is not a quantity.', false)
    this.#at += source.length
    return value
  }

  #space(): void {
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== SPACE && code !== LINE_FEED && code !== TAB && code !== RETURN) return
    }
  }

  #unexpected(expected: string): Offence {
    const found = this.#at < this.#text.length ? shown(this.#text.slice(this.#at, this.#at + 12)) : 'the end'
    return new Offence(this.#at, `expected ${expected}, found ${found}`, 'Correct the JSON here or just before.', true)
  }
}

function unescape(quoted: string): string | null {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return null
  }
}

const surrogateProblem = (value: string) =>
  /\p{Surrogate}/u.test(value) ? 'half a surrogate pair may not stand in a string' : null
