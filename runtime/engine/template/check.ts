import parser from 'nunjucks/src/parser.js'
import { Fault } from '../../../schemas/fault.ts'
import type { Finding } from '../../../schemas/finding.ts'
import { refuse } from './refusal.ts'
import { scanTemplate } from './scan.ts'
import type { Template } from './syntax.ts'
import { translateTemplate } from './translate.ts'

/**
 * A template of nunjucks' syntax, checked against the allow-list; `path` names it in findings. Like Jinja, the last
 * line feed of the source is not part of the text. Nothing of nunjucks but its parser ever sees a template.
 * @throws Fault `TEMPLATE_INVALID` with one finding, the first thing that is wrong.
 */
export function parseTemplate(source: string, path: string): Template {
  const text = source.endsWith('\n') ? source.slice(0, -1) : source
  scanTemplate(text, path)
  return { path, body: translateTemplate(syntaxTree(text, path), path) }
}

/** The finding of `parseTemplate`, or none. */
export function checkTemplate(source: string, path: string): Finding[] {
  try {
    parseTemplate(source, path)
    return []
  } catch (error) {
    if (error instanceof Fault) return [...error.findings]
    throw error
  }
}

/** The parser throws its own errors with a place, and TypeErrors where the source ends too soon. */
function syntaxTree(source: string, path: string): unknown {
  try {
    return parser.parse(source)
  } catch (error) {
    const { message, lineno, colno } = error as { message?: string; lineno?: number; colno?: number }
    const place = { line: lineno ?? source.split('\n').length, column: colno ?? 1 }
    const told = lineno === undefined ? 'The template ends too soon, or something is not closed.' : firstLine(message)
    return refuse(path, place, told, 'Check that every {{, {% if %} and {% for %} is closed.')
  }
}

function firstLine(message: string | undefined): string {
  const line = (message ?? '')
    .split('\n')
    .at(-1)!
    .trim()
    .replace(/^Error: /, '')
  return `The syntax is wrong: ${line.slice(0, 200)}.`
}
