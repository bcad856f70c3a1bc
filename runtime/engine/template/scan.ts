import lexer, { type Token } from 'nunjucks/src/lexer.js'
import { MAX_SOURCE_CHARS, MAX_SPACES } from './limits.ts'
import { refuse } from './refusal.ts'
import { scanRules } from './scan-rules.ts'
import type { Place } from './syntax.ts'

/** Controls but line feeds and tabs, Unicode line ends, bidirectional controls, byte order marks, half surrogate pairs. */
const HIDDEN_CHARACTERS = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Surrogate}\u2028\u2029\ufeff]/u
const START: Place = { line: 1, column: 1 }

/**
 * Refuses what the parser must never see, on the same tokens that the parser will read: sources that would exhaust
 * its stack or its time, tags that are not allowed, regular expressions (the parser would build them) and calls.
 * @throws Fault `TEMPLATE_INVALID`
 */
export function scanTemplate(source: string, path: string): void {
  checkCharacters(source, path)
  const rules = scanRules()
  const before: (Token | null)[] = [null, null]
  const tokens = lexer.lex(source)
  for (let token = nextToken(tokens, path); token !== null; token = nextToken(tokens, path)) {
    if (token.type === 'whitespace' || token.type === 'comment') continue
    const [previous = null, beforePrevious = null] = before
    for (const rule of rules) {
      const problem = rule({ token, previous, beforePrevious })
      if (problem !== null)
        refuse(path, { line: token.lineno + 1, column: token.colno + 1 }, problem.message, problem.hint)
    }
    before.unshift(token)
    before.pop()
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
  const hidden = HIDDEN_CHARACTERS.exec(source)
  if (hidden !== null) {
    const code = source.charCodeAt(hidden.index).toString(16).toUpperCase().padStart(4, '0')
    refuse(
      path,
      placeAt(source, hidden.index),
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

function nextToken(tokens: { nextToken(): Token | null }, path: string): Token | null {
  try {
    return tokens.nextToken()
  } catch {
    return refuse(path, START, 'A comment is not closed, or closed without being opened.', 'Write {# comment #}.')
  }
}

function placeAt(source: string, index: number): Place {
  const before = source.slice(0, index).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}
