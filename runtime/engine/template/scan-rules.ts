import type { Token } from 'nunjucks/src/lexer.js'
import { MAX_BLOCKS, MAX_BRACKETS, MAX_PREFIXES, MAX_TOKENS } from './limits.ts'

/** A token and the two before it, spaces and comments left out. */
export type Window = { token: Token; previous: Token | null; beforePrevious: Token | null }
export type Problem = { message: string; hint: string }
/** Sees every token once, from left to right. */
export type ScanRule = (window: Window) => Problem | null

/** The rules of one scan, with their counters at zero. */
export function scanRules(): ScanRule[] {
  return [
    countTokens(),
    plainNames,
    noRegularExpressions,
    allowedTags,
    shallowBlocks(),
    shallowBrackets(),
    noCalls,
    fewPrefixes(),
  ]
}

const TAGS = new Set(['if', 'elif', 'else', 'endif', 'for', 'endfor'])
const OPENING = new Set(['left-paren', 'left-bracket', 'left-curly'])
const CLOSING = new Set(['right-paren', 'right-bracket', 'right-curly'])
const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u
/** A `(` after one of these calls something. */
const CALLABLE = new Set(['symbol', 'string', 'int', 'float', 'boolean', 'none', ...CLOSING])
/** After these words it only groups. */
const GROUPING_WORDS = new Set(['not', 'and', 'or', 'in', 'if', 'elif', 'else', 'is'])

function countTokens(): ScanRule {
  let count = 0
  return () => problemIf(++count > MAX_TOKENS, `The template has more than ${MAX_TOKENS} tokens.`, 'Make it shorter.')
}

function plainNames({ token }: Window): Problem | null {
  const odd = token.type === 'symbol' && !NAME.test(String(token.value))
  return problemIf(
    odd,
    'A name is made of letters, digits and _.',
    'Write a["other-name"] where data has another name.',
  )
}

function noRegularExpressions({ token }: Window): Problem | null {
  return problemIf(token.type === 'regex', 'Regular expressions are not allowed.', 'Compare with == or `in`.')
}

/** The tag's name is the first token of a block. */
function allowedTags({ token, previous }: Window): Problem | null {
  if (previous?.type !== 'block-start') return null
  const allowed = token.type === 'symbol' && TAGS.has(String(token.value))
  return problemIf(
    !allowed,
    `The tag {% ${shown(token)} %} is not allowed.`,
    'Allowed are if, elif, else, endif, for and endfor.',
  )
}

/** The parser recurses at each tag that opens a block, and at each elif. */
function shallowBlocks(): ScanRule {
  const heights: number[] = []
  return ({ token, previous }) => {
    if (previous?.type !== 'block-start') return null
    const { value } = token
    if (value === 'if' || value === 'for') heights.push(1)
    else if (value === 'elif') heights.push((heights.pop() ?? 0) + 1)
    else if (value === 'endif' || value === 'endfor') heights.pop()
    const depth = heights.reduce((sum, height) => sum + height, 0)
    return problemIf(
      depth > MAX_BLOCKS,
      `More than ${MAX_BLOCKS} blocks within blocks, each elif counted.`,
      'Make it simpler.',
    )
  }
}

/** The parser recurses at each bracket, and takes any closing bracket for any opening one. */
function shallowBrackets(): ScanRule {
  let depth = 0
  return ({ token: { type } }) => {
    if (OPENING.has(type)) depth += 1
    else if (CLOSING.has(type)) depth = Math.max(0, depth - 1)
    else if (type.endsWith('-end')) depth = 0
    return problemIf(depth > MAX_BRACKETS, `More than ${MAX_BRACKETS} brackets within brackets.`, 'Make it simpler.')
  }
}

/** The name of a filter may be followed by `(`, anything else that has a value may not. */
function noCalls({ token, previous, beforePrevious }: Window): Problem | null {
  if (token.type !== 'left-paren' || previous === null || !CALLABLE.has(previous.type)) return null
  const groups =
    previous.type === 'symbol' && GROUPING_WORDS.has(String(previous.value)) && beforePrevious?.value !== '.'
  const filters = previous.type === 'symbol' && beforePrevious?.type === 'pipe'
  return problemIf(
    !groups && !filters,
    'Calls are not allowed.',
    'Use a value of `input`, `facts` or `values`, or a filter.',
  )
}

/** The parser recurses at each of `not`, `-` and `+` in a row. */
function fewPrefixes(): ScanRule {
  let count = 0
  return ({ token: { type, value } }) => {
    const isPrefix = (type === 'symbol' && value === 'not') || (type === 'operator' && (value === '-' || value === '+'))
    count = isPrefix ? count + 1 : 0
    return problemIf(count > MAX_PREFIXES, `More than ${MAX_PREFIXES} operators in a row.`, 'Make it simpler.')
  }
}

function problemIf(wrong: boolean, message: string, hint: string): Problem | null {
  return wrong ? { message, hint } : null
}

function shown({ type, value }: Token): string {
  return type === 'symbol' ? String(value).slice(0, 40) : '…'
}
