import lexer, { type Token } from 'nunjucks/src/lexer.js'
import { MAX_BLOCKS, MAX_BRACKETS, MAX_PREFIXES, MAX_SOURCE_CHARS, MAX_SPACES, MAX_TOKENS } from './limits.ts'
import { refuse } from './refusal.ts'

const TAGS = new Set(['if', 'elif', 'else', 'endif', 'for', 'endfor'])
const OPENING = new Set(['left-paren', 'left-bracket', 'left-curly'])
const CLOSING = new Set(['right-paren', 'right-bracket', 'right-curly'])
/** A `(` after one of these calls something; after these words it only groups. */
const CALLABLE = new Set([
  'symbol',
  'string',
  'int',
  'float',
  'boolean',
  'none',
  'right-paren',
  'right-bracket',
  'right-curly',
])
const GROUPING_WORDS = new Set(['not', 'and', 'or', 'in', 'if', 'elif', 'else', 'is'])
const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u
const HIDDEN_CHARACTERS =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/u

/**
 * Refuses what the parser must never see, on the same tokens that the parser will read: sources that would exhaust
 * its stack or its time, tags that are not allowed, regular expressions (the parser would build them) and calls.
 * @throws Fault `TEMPLATE_INVALID`
 */
export function scanTemplate(source: string, path: string): void {
  checkCharacters(source, path)
  const brackets: Token[] = []
  const blocks: number[] = []
  let prefixes = 0
  let previous: Token | null = null
  let beforePrevious: Token | null = null
  let count = 0
  const tokens = lexer.lex(source)
  for (let token = nextToken(tokens, path); token !== null; token = nextToken(tokens, path)) {
    if (token.type === 'whitespace' || token.type === 'comment') continue
    const place = placeOf(token)
    if (++count > MAX_TOKENS)
      refuse(path, place, `The template has more than ${MAX_TOKENS} tokens.`, 'Make it shorter.')
    if (token.type === 'regex') refuse(path, place, 'Regular expressions are not allowed.', 'Compare with == or `in`.')
    if (token.type === 'symbol' && !NAME.test(String(token.value))) {
      refuse(
        path,
        place,
        'A name is made of letters, digits and _.',
        'Write a["other-name"] where data has another name.',
      )
    }
    if (previous?.type === 'block-start') enterTag(token, blocks, path)
    if (OPENING.has(token.type)) {
      brackets.push(token)
      if (brackets.length > MAX_BRACKETS)
        refuse(path, place, `More than ${MAX_BRACKETS} brackets within brackets.`, 'Make it simpler.')
    } else if (CLOSING.has(token.type)) brackets.pop()
    else if (token.type.endsWith('-end')) brackets.length = 0
    if (token.type === 'left-paren' && previous !== null && isCall(previous, beforePrevious)) {
      refuse(path, place, 'Calls are not allowed.', 'Use a value of `input`, `facts` or `values`, or a filter.')
    }
    prefixes = isPrefix(token) ? prefixes + 1 : 0
    if (prefixes > MAX_PREFIXES)
      refuse(path, place, `More than ${MAX_PREFIXES} operators in a row.`, 'Make it simpler.')
    beforePrevious = previous
    previous = token
  }
}

function checkCharacters(source: string, path: string): void {
  if (source.length > MAX_SOURCE_CHARS) {
    refuse(
      path,
      START,
      `The template has ${source.length} characters, at most ${MAX_SOURCE_CHARS} are allowed.`,
      'Make it shorter.',
    )
  }
  const hidden = HIDDEN_CHARACTERS.exec(source)?.index ?? -1
  if (hidden >= 0) {
    const code = source.charCodeAt(hidden).toString(16).toUpperCase().padStart(4, '0')
    refuse(
      path,
      placeAt(source, hidden),
      `The character U+${code} is not allowed.`,
      'Remove it; lines end with a line feed only.',
    )
  }
  const spaces = new RegExp(`\\s{${MAX_SPACES + 1}}`, 'u').exec(source)
  if (spaces !== null) {
    refuse(
      path,
      placeAt(source, spaces.index),
      `More than ${MAX_SPACES} spaces or line feeds in a row.`,
      'Remove some.',
    )
  }
}

/** The tag's name is the first token of a block; the parser recurses at each tag that opens or goes on with a block. */
function enterTag(token: Token, blocks: number[], path: string): void {
  const place = placeOf(token)
  const tag = token.type === 'symbol' ? String(token.value) : ''
  if (!TAGS.has(tag))
    refuse(path, place, `The tag {% ${tag} %} is not allowed.`, 'Allowed are if, elif, else, endif, for and endfor.')
  if (tag === 'if' || tag === 'for') blocks.push(1)
  if (tag === 'elif' && blocks.length > 0) blocks[blocks.length - 1]! += 1
  if (tag === 'endif' || tag === 'endfor') blocks.pop()
  const depth = blocks.reduce((sum, height) => sum + height, 0)
  if (depth > MAX_BLOCKS)
    refuse(path, place, `More than ${MAX_BLOCKS} blocks within blocks, each elif counted.`, 'Make it simpler.')
}

/** The name of a filter may be followed by `(`, anything else that has a value may not. */
function isCall(previous: Token, beforePrevious: Token | null): boolean {
  if (!CALLABLE.has(previous.type)) return false
  if (previous.type !== 'symbol') return true
  return (
    beforePrevious?.type !== 'pipe' && !(GROUPING_WORDS.has(String(previous.value)) && beforePrevious?.value !== '.')
  )
}

function isPrefix(token: Token): boolean {
  return (
    (token.type === 'symbol' && token.value === 'not') ||
    (token.type === 'operator' && (token.value === '-' || token.value === '+'))
  )
}

function nextToken(tokens: { nextToken(): Token | null }, path: string): Token | null {
  try {
    return tokens.nextToken()
  } catch {
    return refuse(path, START, 'A comment is not closed, or closed without being opened.', 'Write {# comment #}.')
  }
}

const START = { line: 1, column: 1 }

function placeOf(token: Token): { line: number; column: number } {
  return { line: token.lineno + 1, column: token.colno + 1 }
}

function placeAt(source: string, index: number): { line: number; column: number } {
  const before = source.slice(0, index).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}
