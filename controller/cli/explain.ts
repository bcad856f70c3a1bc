import { Fault } from '../../schemas/fault.ts'
import { REASONS, type Reason } from '../../schemas/reasons.ts'
import { argument, type CommandSpec } from './command.ts'

export const explain: CommandSpec = {
  name: 'explain',
  summary: 'say what a reason code means and what to do about it',
  args: [['<code>', 'a reason code, such as NOT_CANDIDATE']],
  run(call) {
    const code = argument(call, 0, 'code').toUpperCase()
    if (!isReason(code)) throw new Fault('USAGE', `There is no reason code "${code}".${nearest(code)}`)
    const entry: { status?: number; title: string; hint: string } = REASONS[code]
    const { terminal } = call
    if (terminal.json)
      terminal.out(JSON.stringify({ code, status: entry.status ?? null, title: entry.title, hint: entry.hint }))
    else {
      const status = entry.status === undefined ? '' : `  (HTTP ${entry.status})`
      terminal.out(`${terminal.style('bold', code)}${status}\n  ${entry.title}\n  ${entry.hint}`)
    }
    return Promise.resolve(0)
  },
}

function isReason(code: string): code is Reason {
  return Object.hasOwn(REASONS, code)
}

function nearest(code: string): string {
  const words = code.split('_').filter((word) => word.length > 3)
  const found = Object.keys(REASONS).filter((known) => words.some((word) => known.includes(word)))
  return found.length === 0 ? ' docs/reasons.md lists them all.' : ` Did you mean ${found.slice(0, 5).join(', ')}?`
}
