import type { ControllerEvent, ToldDecision } from '../../events.ts'
import type { Terminal } from '../terminal.ts'

/** One readable line for each thing that a person should see; none for what is only progress. */
export function controllerEventLines(event: ControllerEvent, terminal: Terminal): string[] {
  const time = terminal.style('dim', clock(event.at))
  switch (event.type) {
    case 'live':
      return event.decisions.map((decision) => `${time} ${decisionLine(decision, event.ms, terminal)}`)
    case 'gates-started':
      return [`${time} ${event.bundle}  gates running …`]
    case 'gates-finished': {
      const verdict = event.verdict === 'pass' ? terminal.style('green', 'pass') : terminal.style('red', 'fail')
      return [
        `${time} ${event.bundle} ${event.version}  gates ${event.passed}/${event.ran}  ${verdict}  ${event.ms} ms`,
      ]
    }
    case 'restored':
      return [`${time} live  ${terminal.style('yellow', `put back to seq ${event.seq}`)}: somebody else had moved it`]
    case 'fault':
      return [`${time} ${terminal.style('red', event.reason_code)}  ${event.message}`]
    default:
      return event satisfies never
  }
}

function decisionLine(
  { subject, decision, kind, reason_code, from, to, gates, people, message }: ToldDecision,
  ms: number,
  terminal: Terminal,
): string {
  const versions =
    to === null || subject.endsWith(`/${to.version}`)
      ? ''
      : from === null
        ? ` ${to.version}`
        : ` ${from.version} → ${to.version}`
  const parts = [`${terminal.style('bold', subject)}${versions}`]
  if (gates !== null) parts.push(`gates ${gates.passed}/${gates.ran}`)
  if (people.approvers.length > 0) parts.push(`approved by ${people.approvers.join(', ')}`)
  if (decision === 'allow') {
    parts.push(
      kind === 'rollback' ? terminal.style('yellow', 'rolled back') : 'signed',
      terminal.style('green', `live in ${ms} ms`),
    )
  } else {
    parts.push(
      terminal.style(
        decision === 'deny' ? 'red' : 'yellow',
        `${decision === 'deny' ? 'refused' : 'waits'} ${reason_code}`,
      ),
      message,
    )
  }
  return parts.join('  ')
}

function clock(at: string): string {
  return new Date(at).toTimeString().slice(0, 8)
}
