import type { Coverage } from '../../../runtime/engine/coverage.ts'
import type { CaseFailure, SuiteResult } from '../../../runtime/engine/suites.ts'
import type { Explanation } from '../../../schemas/http/execute.ts'
import type { Terminal } from '../terminal.ts'

const SHOWN = 20
const WORDS_SHOWN = 6

/** A suite in one line, and of one that fails its cases: what was expected, what came, and why. */
export function formatSuite(result: SuiteResult, terminal: Terminal): string {
  const { bundle, suite, kind, cases, passed, accuracy, min_accuracy, failures, verdict } = result
  const mark = verdict === 'pass' ? terminal.style('green', '✔') : terminal.style('red', '✘')
  const least = min_accuracy === 1 ? '' : `, ${(min_accuracy * 100).toFixed(1)} % needed`
  const head = `${mark} ${bundle} ${suite} (${kind})  ${passed} of ${cases}  ${(accuracy * 100).toFixed(1)} %${least}`
  if (verdict === 'pass') return head
  const shown = failures.slice(0, SHOWN)
  const hidden = failures.length - shown.length
  return [
    head,
    ...shown.map((failure) => formatFailure(failure, terminal)),
    ...(hidden > 0 ? [`    … and ${hidden} more`] : []),
  ].join('\n')
}

function formatFailure({ name, expected, actual, routing }: CaseFailure, terminal: Terminal): string {
  return [
    `    ${terminal.style('bold', name)}`,
    ...diffLines(expected, actual).map(({ sign, text }) =>
      terminal.style(sign === '-' ? 'green' : 'red', `      ${sign} ${text}`),
    ),
    ...(routing === undefined ? [] : formatRouting(routing).map((line) => terminal.style('dim', `      ${line}`))),
  ].join('\n')
}

type DiffLine = { sign: '-' | '+'; text: string }

/** `-` was expected, `+` came; fields that agree are left out. */
export function diffLines(expected: object, actual: object): DiffLine[] {
  const [wanted, found] = [linesOf(expected), linesOf(actual)]
  const minus = wanted.filter((line) => !found.includes(line)).map((text): DiffLine => ({ sign: '-', text }))
  const plus = found.filter((line) => !wanted.includes(line)).map((text): DiffLine => ({ sign: '+', text }))
  return [...minus, ...plus]
}

/** One line for each field, fields inside objects by their path. */
function linesOf(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const name = path === '' ? key : `${path}.${key}`
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item)
    return isObject ? linesOf(item, name) : [`${name}: ${JSON.stringify(item) ?? 'nothing'}`]
  })
}

/** Why a question went where it went, for people. */
export function formatRouting({ score, threshold, detail }: Explanation): string[] {
  const lines = [`score ${score.toFixed(3)}, threshold ${threshold.toFixed(3)}`]
  if (detail === undefined) return lines
  const { best, contributions, unknown, synonyms, corrections = [], runner_up: next, ambiguous, nearest } = detail
  const strongest = contributions.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, WORDS_SHOWN)
  const words = strongest.map(({ word, weight }) => `${word} ${weight >= 0 ? '+' : ''}${weight.toFixed(3)}`)
  if (best !== undefined) lines.push(`best: ${best}${words.length === 0 ? '' : `, for ${words.join(', ')}`}`)
  if (next !== null) lines.push(`next: ${next.intent} ${next.score.toFixed(3)}`)
  if (ambiguous.length > 0) lines.push(`too close to tell: ${ambiguous.join(', ')}`)
  if (unknown.length > 0) lines.push(`unknown words: ${unknown.join(', ')}`)
  for (const { from, to } of [...synonyms, ...corrections]) lines.push(`read as: ${from} → ${to}`)
  if (nearest !== null) lines.push(`nearest utterance: ${nearest}`)
  return lines
}

/** What no case touches, for people; empty where there is nothing. */
export function formatCoverage(
  bundle: string,
  { intents, templates, branches, entities }: Coverage,
  terminal: Terminal,
): string {
  const parts = [
    ['intents that no case reaches', intents],
    ['templates that no case renders', templates],
    ['branches that no case takes', branches],
    ['entities that no case holds anything against', entities],
  ] as const
  const left = parts.filter(([, names]) => names.length > 0)
  return left
    .map(([what, names]) => {
      const shown = names.slice(0, SHOWN).join(', ')
      const more = names.length > SHOWN ? ` … and ${names.length - SHOWN} more` : ''
      return `${terminal.style('yellow', '!')} ${bundle}: ${what}: ${shown}${more}`
    })
    .join('\n')
}
