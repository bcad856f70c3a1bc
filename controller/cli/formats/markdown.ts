import type { BehaviourChange } from '../../../runtime/engine/diff.ts'
import type { Finding } from '../../../schemas/finding.ts'
import type { BehaviourChanges, CheckResult, MergePreview, PreviewedDecision } from '../judge/check-result.ts'
import { answerOf, groupAlike, questionOf } from './behaviour.ts'

const MOST_FINDINGS = 50
const MOST_DECISIONS = 100
const MOST_CHANGES = 20

/** A summary for a pull request: what is wrong, what would change in what is answered, and who must still approve. */
export function formatMarkdown({ verdict, findings, bundles, behaviour, merge }: CheckResult): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const parts = [
    `## contractor: ${verdict === 'pass' ? '✅ pass' : `❌ ${errors} error(s)`}`,
    table(
      ['Bundle', 'Version', 'Gates', 'Digest'],
      bundles.map(({ bundle, version, digest, ran }) => [
        bundle,
        version,
        `${ran.filter((gate) => gate.verdict !== 'fail').length} of ${ran.length} pass`,
        digest === null ? 'does not compile' : code(digest),
      ]),
    ),
    findingsPart(findings),
    ...behaviour.map(formatBehaviour),
    merge === null ? '' : mergePart(merge),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** What one version does otherwise than the one before it. */
export function formatBehaviour({
  bundle,
  from,
  to,
  class: change,
  changes,
  behaviour,
  tenants,
}: BehaviourChanges): string {
  const { probes, same, counts, intents } = behaviour
  const affected = tenants.length === 0 ? '' : ` Tenants: ${tenants.map(plain).join(', ')}.`
  const parts = [
    `### ${plain(bundle)} ${plain(from)} → ${plain(to)}`,
    `A ${change === 'none' ? 'change without difference in form' : `**${change.toUpperCase()}** change`}; of ${probes} questions ${same} are answered as before.${affected}`,
    table(
      ['Refused otherwise', 'Answered or not', 'Other intent', 'Other words'],
      same === probes ? [] : [[counts.refusal, counts.threshold, counts.intent, counts.output].map(String)],
    ),
    table(
      ['Intent', 'Won', 'Lost', 'For example'],
      intents.slice(0, MOST_CHANGES).map(({ intent, won, lost, examples }) => {
        const [example] = examples
        return [intent, String(won), String(lost), example === undefined ? '' : questionOf(example)]
      }),
    ),
    examplesPart(behaviour.changes),
    table(
      ['Class', 'What', 'Change'],
      changes
        .filter((one) => one.class !== 'patch')
        .slice(0, MOST_CHANGES)
        .map((one) => [one.class, one.subject, one.message]),
    ),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function findingsPart(findings: readonly Finding[]): string {
  if (findings.length === 0) return ''
  const rows = findings
    .slice(0, MOST_FINDINGS)
    .map(({ severity, path, line, gate, code: reason, message, hint }) => [
      MARKS[severity],
      code(`${path}:${line}`),
      `${gate} ${code(reason)}`,
      `${message} ${hint}`,
    ])
  const more = findings.length - rows.length
  return `### Findings\n\n${table(['', 'Where', 'Gate', 'What'], rows)}${more > 0 ? `\n\n… and ${more} more.` : ''}`
}

const MARKS = { error: '❌', warning: '⚠️', note: 'ℹ️' } as const

function examplesPart(changes: readonly BehaviourChange[]): string {
  if (changes.length === 0) return ''
  const alike = groupAlike(changes)
  const rows = alike.slice(0, MOST_CHANGES).map(({ example, count }) => {
    const more = count === 1 ? '' : ` (and ${count - 1} more)`
    return [`${questionOf(example)}${more}`, answerOf(example.before), answerOf(example.after)]
  })
  const hidden = alike.length > rows.length ? `\n\n… and ${alike.length - rows.length} more kinds.` : ''
  return `<details><summary>${changes.length} answers change</summary>\n\n${table(['Question', 'Before', 'After'], rows)}${hidden}\n\n</details>`
}

function mergePart({ decisions, complete }: MergePreview): string {
  if (decisions.length === 0) return '### After the merge\n\nNothing changes on `live`.'
  const rows = decisions
    .slice(0, MOST_DECISIONS)
    .map((decision) => [
      decision.subject,
      moveOf(decision),
      `${DECISIONS[decision.decision]} ${code(decision.reason_code)}`,
      waitsFor(decision),
    ])
  const more = decisions.length > rows.length || !complete ? '\n\n… and more.' : ''
  return `### After the merge\n\n${table(['Subject', 'Change', 'Decision', 'Must still approve'], rows)}${more}`
}

const DECISIONS = { allow: '✅', deny: '❌', wait: '⏳' } as const

function moveOf({ from, to }: PreviewedDecision): string {
  if (to === null) return ''
  return `${to.bundle} ${from === null ? '' : `${from.version} → `}${to.version}`
}

function waitsFor({ approvals, not_before }: PreviewedDecision): string {
  if (approvals !== null && approvals.missing > 0)
    return `${approvals.missing} of ${approvals.may.join(', ') || 'nobody'}`
  return not_before === null ? '' : `until ${not_before}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map((row) => line(row.map(plain)))].join('\n')
}

const code = (text: string) => `\`${text.replaceAll('`', "'")}\``

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Text that people wrote, so that it is text and no Markdown, HTML or mention. What stands in backticks stays. */
function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part.replaceAll('|', '\\|') : escaped(part)))
    .join('')
}

function escaped(text: string): string {
  return text
    .replaceAll(/[\\*_[\]|#~!]/g, '\\$&')
    .replaceAll(/[&<>]/g, (character) => HTML[character]!)
    .replaceAll('@', '@\u200b')
}
