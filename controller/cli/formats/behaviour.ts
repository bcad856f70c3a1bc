import type { Behaviour, BehaviourChange } from '../../../runtime/engine/diff.ts'
import type { BehaviourChanges } from '../judge/check-result.ts'
import type { Terminal } from '../terminal.ts'

const SHOWN = 15

/** What one version does otherwise than another, for people at a terminal. */
export function formatBehaviourPretty(compared: BehaviourChanges, terminal: Terminal): string {
  const { bundle, from, to, class: change, changes, behaviour, tenants } = compared
  const { probes, same, counts, intents } = behaviour
  const { bold, dim } = {
    bold: (text: string) => terminal.style('bold', text),
    dim: (text: string) => terminal.style('dim', text),
  }
  const lines = [
    `${bold(`${bundle} ${from} → ${to}`)}  ${change === 'none' ? 'no change of form' : `${change} change`}`,
    `${probes} questions, ${same} answered as before; ${counts.refusal} refused otherwise, ${counts.threshold} answered or not, ${counts.intent} by another intent, ${counts.output} in other words`,
    ...(tenants.length === 0 ? [] : [`tenants on ${from}: ${tenants.join(', ')}`]),
  ]
  const form = changes.filter((one) => one.class !== 'patch').slice(0, SHOWN)
  if (form.length > 0) lines.push('', bold('form'))
  for (const one of form) lines.push(`  ${one.class}  ${one.subject}  ${one.message}`)
  if (intents.length > 0) {
    const rows = intents.slice(0, SHOWN).map(({ intent, won, lost }) => [intent, `+${won}`, `-${lost}`])
    lines.push('', terminal.table([['INTENT', 'WON', 'LOST'], ...rows]))
  }
  const alike = groupAlike(behaviour.changes)
  if (alike.length > 0) lines.push('', bold('answers that change'))
  for (const { example, count } of alike.slice(0, SHOWN)) {
    const more = count === 1 ? '' : `, and ${count - 1} more like it`
    lines.push(`  ${questionOf(example)}  ${dim(`${example.probe.from}${more}`)}`)
    lines.push(terminal.style('red', `    - ${answerOf(example.before)}`))
    lines.push(terminal.style('green', `    + ${answerOf(example.after)}`))
  }
  if (alike.length > SHOWN) lines.push(`  … and ${alike.length - SHOWN} more kinds (--json has them all)`)
  return lines.join('\n')
}

/** Changes from one answer to another, each once with the first question that shows it; the most frequent first. */
export function groupAlike(changes: readonly BehaviourChange[]): { example: BehaviourChange; count: number }[] {
  const groups = new Map<string, { example: BehaviourChange; count: number }>()
  for (const change of changes) {
    const key = JSON.stringify([change.kind, saidOf(change.before), saidOf(change.after)])
    const group = groups.get(key) ?? { example: change, count: 0 }
    groups.set(key, group)
    group.count += 1
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}

function saidOf(behaviour: Behaviour): unknown {
  if ('reason_code' in behaviour) return behaviour
  const { intent, outcome, output } = behaviour
  return { intent, outcome, output }
}

export function questionOf({ probe: { input } }: BehaviourChange): string {
  return Object.values(input)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join(' ')
}

/** Where a question went, the words that decided, and what was said. */
export function answerOf(behaviour: Behaviour, most = 160): string {
  if ('reason_code' in behaviour) return `refused: ${behaviour.reason_code}`
  const { intent, outcome, words, output } = behaviour
  const said = (output as { answer?: unknown } | null)?.answer
  const text = typeof said === 'string' ? said : JSON.stringify(output)
  const why = words.length === 0 ? '' : ` (${words.join(', ')})`
  return `${outcome === 'fallback' ? 'fallback' : intent}${why}: ${text.length > most ? `${text.slice(0, most)}…` : text}`
}
