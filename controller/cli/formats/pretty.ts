import { formatFindings } from '../findings.ts'
import type { BehaviourChanges, CheckResult, PreviewedDecision } from '../judge/check-result.ts'
import type { Terminal } from '../terminal.ts'

const MARKS = { allow: ['green', '✔'], deny: ['red', '✘'], wait: ['yellow', '…'] } as const

/** What `check` prints for people. */
export function formatPretty(result: CheckResult, terminal: Terminal): string {
  const { findings, bundles, behaviour, merge, verdict } = result
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const lines = [
    ...(findings.length > 0 ? [formatFindings(findings, terminal)] : []),
    ...bundles.map(({ bundle, version, digest, verdict: judged }) => {
      const mark = judged === 'pass' ? terminal.style('green', '✔') : terminal.style('red', '✘')
      return `${mark} ${bundle} ${version}  ${digest ?? 'does not compile'}`
    }),
    ...behaviour.map((changes) => behaviourLine(changes)),
    ...(merge === null ? [] : ['after the merge:']),
    ...(merge?.decisions.map((decision) => decisionLine(decision, terminal)) ?? []),
    ...(merge?.decisions.length === 0 ? ['  nothing changes on live'] : []),
    verdict === 'pass' ? terminal.style('green', 'pass') : terminal.style('red', `fail: ${errors} error(s)`),
  ]
  return lines.join('\n')
}

function behaviourLine({ bundle, from, to, class: change, behaviour, tenants }: BehaviourChanges): string {
  const { probes, same } = behaviour
  const who = tenants.length === 0 ? '' : `  for ${tenants.join(', ')}`
  return `  ${bundle} ${from} → ${to}: ${change}, ${probes - same} of ${probes} answers change${who}`
}

function decisionLine(
  { subject, decision, reason_code, from, to, approvals, not_before }: PreviewedDecision,
  terminal: Terminal,
): string {
  const [colour, mark] = MARKS[decision]
  const move = to === null ? '' : `  ${to.bundle} ${from === null ? '' : `${from.version} → `}${to.version}`
  const until = not_before === null ? '' : `  until ${not_before}`
  const waits =
    approvals !== null && approvals.missing > 0
      ? `  needs ${approvals.missing} of ${approvals.may.join(', ') || 'nobody who may'}`
      : ''
  return `  ${terminal.style(colour, mark)} ${subject}${move}  ${reason_code}${until}${waits}`
}
