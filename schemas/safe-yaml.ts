import {
  Composer,
  CST,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  type DocumentOptions,
  type ErrorCode,
  type ParsedNode,
  type ParseOptions,
  type SchemaOptions,
} from 'yaml'
import { documentOf, placesOf, type Offsets, type Reading } from './document.ts'
import { HAND_WRITTEN, type Limits } from './limits.ts'
import { safeText, stringProblem } from './safe-text.ts'
import { FORBIDDEN_KEYS, numberProblem, Offence, shown } from './safe-value.ts'

const OPTIONS: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.2',
  schema: 'core',
  merge: false,
  // Keys are compared here, by a set: the library compares each with each.
  uniqueKeys: false,
  strict: true,
  stringKeys: true,
  customTags: [],
  resolveKnownTags: false,
  prettyErrors: false,
}

const AT_MOST = 20

/**
 * The YAML of a registry: YAML 1.2 core, one document, no anchors, aliases, tags, directives or explicit keys, unique
 * string keys, numbers that JSON can write and read back, within `limits`. Everything that could make the library slow
 * is refused while tokens are read, before anything is composed. Never throws.
 */
export function safeYaml(bytes: Uint8Array, limits: Limits = HAND_WRITTEN): Reading {
  const { text, problem } = safeText(bytes, limits, 'YAML_INVALID', 'no tabs')
  if (text === null) return { document: null, problems: [problem] }
  const placeOf = placesOf(text)
  const offences: Offence[] = []
  try {
    const root = compose(readTokens(text, limits), text.length, offences)
    const offsets: Offsets = new Map()
    const builder = new Builder(offsets, limits, offences)
    const value = builder.build(root, 0)
    if (offences.length === 0) {
      return { document: documentOf(value, builder.nodes, root?.range[0] ?? 0, offsets, placeOf), problems: [] }
    }
  } catch (error) {
    offences.push(error instanceof Offence ? error : new Offence(0, 'the YAML cannot be read', 'Simplify it.', true))
  }
  const sorted = offences.sort((a, b) => a.offset - b.offset)
  const [first, ...rest] = sorted.filter(({ offset }, index) => offset !== sorted[index - 1]?.offset).slice(0, AT_MOST)
  if (first === undefined) throw new TypeError('unreachable: YAML refused without an offence')
  const toProblem = (offence: Offence) => offence.toProblem('YAML_INVALID', placeOf)
  return { document: null, problems: [toProblem(first), ...rest.map(toProblem)] }
}

/** @throws Offence at the first token that the profile forbids, and where the text is deeper or longer than allowed. */
function readTokens(text: string, limits: Limits): CST.Token[] {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let scalarFollows = false
  let documents = 0
  let errors = 0
  let values = 0
  // A value brings at most its indicator, the spaces around it, a comment and a line feed.
  let budget = limits.nodes * 10
  for (const lexeme of new Lexer().lex(text)) {
    const type: CST.TokenType | null = scalarFollows ? null : CST.tokenType(lexeme)
    scalarFollows = type === 'scalar'
    if (type !== null) refuseToken(type, lexeme, parser.offset)
    if (type === 'doc-start') documents += 1
    if (type !== null && BEFORE_A_VALUE.has(type)) values += 1
    if (documents > 1) {
      throw new Offence(parser.offset, 'expected one document, found another', 'Divide the file.', false)
    }
    if (--budget < 0 || values > limits.nodes) {
      throw new Offence(parser.offset, `expected at most ${limits.nodes} values`, 'Divide the file.', false)
    }
    for (const token of parser.next(lexeme)) {
      tokens.push(token)
      if (token.type === 'error' && ++errors > AT_MOST) return tokens
    }
    const open = parser.stack.at(-1)
    if (open?.type === 'block-map' && open.items.length > limits.keys + 1) {
      throw new Offence(open.offset, `expected at most ${limits.keys} keys`, 'Divide the mapping.', false)
    }
    // A level is one entry of the stack; the document and the scalar at hand are two more.
    if (parser.stack.length > limits.depth + 2) {
      throw new Offence(parser.offset, `nested deeper than ${limits.depth} levels`, 'Make it flatter.', false)
    }
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

/** Each of these stands before or after one value at least. */
const BEFORE_A_VALUE: ReadonlySet<CST.TokenType> = new Set(['seq-item-ind', 'map-value-ind', 'comma'])

function refuseToken(type: CST.TokenType, lexeme: string, offset: number): void {
  const quote = 'Put text in quotes that begins with * & ! or %.'
  switch (type) {
    case 'alias':
      throw new Offence(offset, `aliases are not allowed, found ${shown(lexeme)}`, quote, false)
    case 'anchor':
      throw new Offence(offset, `anchors are not allowed, found ${shown(lexeme)}`, quote, false)
    case 'tag':
      throw new Offence(offset, `tags are not allowed, found ${shown(lexeme)}`, quote, false)
    case 'directive-line':
      throw new Offence(offset, `directives are not allowed, found ${shown(lexeme)}`, 'Remove the line.', false)
    case 'explicit-key-ind':
      throw new Offence(offset, 'keys written with "? " are not allowed', 'Write "key: value".', false)
    default:
  }
}

function compose(tokens: CST.Token[], length: number, offences: Offence[]): ParsedNode | null {
  const [document, second] = withoutStackTraces(() => [...new Composer(OPTIONS).compose(tokens, true, length)])
  if (document === undefined) throw new Offence(0, 'the file is empty', 'Write the document.', true)
  if (second !== undefined) {
    throw new Offence(second.range[0], 'expected one document, found another', 'Divide the file.', false)
  }
  for (const { pos, code, message } of [...document.errors, ...document.warnings].slice(0, AT_MOST)) {
    const plain = code === 'NON_STRING_KEY' ? 'expected a key that is text' : message
    offences.push(new Offence(Math.min(pos[0], length), plain, hintFor(code), true))
  }
  if (document.contents === null && offences.length === 0) {
    throw new Offence(0, 'the file is empty', 'Write the document.', true)
  }
  return document.contents
}

/** The library makes an Error for every mistake, and of tens of thousands of them the stack traces take seconds. */
function withoutStackTraces<Value>(work: () => Value): Value {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

class Builder {
  readonly #offsets: Offsets
  readonly #limits: Limits
  readonly #offences: Offence[]
  nodes = 0

  constructor(offsets: Offsets, limits: Limits, offences: Offence[]) {
    this.#offsets = offsets
    this.#limits = limits
    this.#offences = offences
  }

  build(node: ParsedNode | null, depth: number): unknown {
    const { nodes, depth: deepest } = this.#limits
    const start = node?.range[0] ?? 0
    if (++this.nodes > nodes) throw new Offence(start, `expected at most ${nodes} values`, 'Divide the file.', false)
    if (depth > deepest) throw new Offence(start, `nested deeper than ${deepest} levels`, 'Make it flatter.', false)
    if (node === null) return null
    if (isScalar(node)) return this.#scalar(node.value, node.source, start)
    if (isSeq(node)) return this.#array(node.items, depth)
    if (isMap(node)) return this.#object(node.items, start, depth)
    throw new Offence(start, 'aliases are not allowed', 'Repeat the value.', false)
  }

  #scalar(value: unknown, source: string | undefined, offset: number): unknown {
    if (typeof value === 'number') {
      const problem = numberProblem(value, source ?? '')
      if (problem !== null) this.#refuse(offset, problem, 'Put it in quotes if it is text.')
    } else if (typeof value === 'string') {
      const problem = stringProblem(value)
      if (problem !== null) this.#refuse(offset, problem, 'Remove it.')
    } else if (value !== null && typeof value !== 'boolean') {
      this.#refuse(offset, 'expected text, a number, a truth value or null', 'Put it in quotes if it is text.')
    }
    return value
  }

  #array(items: ParsedNode[], depth: number): unknown[] {
    const spots: number[] = []
    const array = items.map((item) => {
      spots.push(item.range[0])
      return this.build(item, depth + 1)
    })
    this.#offsets.set(array, spots)
    return array
  }

  #object(items: { key: ParsedNode; value: ParsedNode | null }[], start: number, depth: number): object {
    const { keys } = this.#limits
    if (items.length > keys) throw new Offence(start, `expected at most ${keys} keys`, 'Divide the mapping.', false)
    const object: Record<string, unknown> = {}
    const spots = new Map<string, [number, number]>()
    for (const { key, value } of items) {
      const name = isScalar(key) ? key.value : null
      const offset = key.range[0]
      if (typeof name !== 'string') {
        this.#refuse(offset, 'expected a key that is text', 'Write "key: value".')
      } else if (spots.has(name)) {
        this.#refuse(offset, `the key ${shown(name)} stands twice`, 'Remove one of the two.')
      } else if (FORBIDDEN_KEYS.has(name)) {
        this.#refuse(offset, `the key ${shown(name)} is not allowed`, 'Use another name.')
      } else {
        const problem = stringProblem(name)
        if (problem !== null) this.#refuse(offset, problem, 'Remove it.')
        spots.set(name, [offset, value?.range[0] ?? offset])
        object[name] = this.build(value, depth + 1)
      }
    }
    this.#offsets.set(
      object,
      Object.keys(object).flatMap((name) => spots.get(name) ?? []),
    )
    return object
  }

  #refuse(offset: number, message: string, hint: string): void {
    if (this.#offences.length < AT_MOST) this.#offences.push(new Offence(offset, message, hint, false))
  }
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT: 'Line the keys of one mapping up, and indent what belongs under a key.',
  BLOCK_AS_IMPLICIT_KEY: 'Put text in quotes that holds a colon followed by a space.',
  BAD_SCALAR_START: 'Put text in quotes that begins with @, `, % or another indicator.',
  MISSING_CHAR: 'Close the quote or bracket, or put a space after the colon or dash.',
  MULTILINE_IMPLICIT_KEY: 'Check the indentation, and that a colon and a space follow the key.',
  NON_STRING_KEY: 'Write "key: value".',
  UNEXPECTED_TOKEN: 'Check the indentation and the quotes of this line.',
  BAD_DQ_ESCAPE: 'Use single quotes, or write \\\\ for a backslash.',
}

function hintFor(code: ErrorCode): string {
  return HINTS[code] ?? 'Use plain YAML 1.2.'
}
