import { Fault } from '../../schemas/fault.ts'
import { REASONS, type Reason } from '../../schemas/reasons.ts'
import { formatFindings } from './findings.ts'
import type { Terminal } from './terminal.ts'

/** 0 done · 1 refused or failed · 2 wrong usage or configuration · 3 could not decide (DESIGN section 7). */
export type ExitCode = 0 | 1 | 2 | 3

const USAGE: readonly Reason[] = ['USAGE', 'CONFIG_INVALID', 'PORT_TAKEN']
const UNDECIDED: readonly Reason[] = ['UNDECIDED', 'REMOTE_UNAVAILABLE', 'GATE_TIMEOUT', 'STARTING']

export function exitCodeOf(reason: Reason): ExitCode {
  if (USAGE.includes(reason)) return 2
  return UNDECIDED.includes(reason) ? 3 : 1
}

/** Says what went wrong and what to do, in people's words or as one JSON document, and never a stack trace. */
export function reportFailure(error: unknown, terminal: Terminal): ExitCode {
  const fault = error instanceof Fault ? error : new Fault('INTERNAL', messageOf(error), { cause: error })
  const { reason, message, findings } = fault
  if (terminal.json) {
    terminal.out(JSON.stringify({ error: { reason_code: reason, message, hint: REASONS[reason].hint, findings } }))
  } else {
    terminal.err(`${terminal.style('red', reason)}: ${message}`)
    if (findings.length > 0) terminal.err(formatFindings(findings, terminal))
    terminal.err(`  ${REASONS[reason].hint}`)
  }
  return exitCodeOf(reason)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
