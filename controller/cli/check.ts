import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { openAuthorGates } from './judge/author-gates.ts'
import { checkClone } from './judge/check-clone.ts'
import type { CheckResult } from './judge/check-result.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'
import { formatJunit } from './formats/junit.ts'
import { formatMarkdown } from './formats/markdown.ts'
import { formatPretty } from './formats/pretty.ts'
import { formatSarif } from './formats/sarif.ts'
import { knownLedger } from './clone/known-ledger.ts'
import { OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { behaviourOfMerge } from './judge/merge-behaviour.ts'
import type { Terminal } from './terminal.ts'
import { WATCH_OPTION, watchClone } from './clone/watch-clone.ts'

const FORMATS = ['pretty', 'json', 'sarif', 'junit', 'markdown'] as const
type Format = (typeof FORMATS)[number]

/** Formats of the files that `--write` names, by the ends of their names. */
const ENDINGS: Readonly<Record<string, Format>> = {
  '.json': 'json',
  '.sarif': 'sarif',
  '.xml': 'junit',
  '.md': 'markdown',
}

export const check: CommandSpec = {
  name: 'check',
  summary: 'judge the registry in this clone as the controller will after the merge',
  options: [
    ['--base <rev>', 'only what differs from this revision, such as origin/main'],
    ['--format <format>', `${FORMATS.join(', ')} (default: pretty)`],
    ['--write <file...>', 'write to these files too; .json, .sarif, .xml (JUnit) or .md says in which format'],
    ['--require-approvals', 'fail where an approval is still missing'],
    ['--anew', 'judge again what this clone judged before, with the very same files, rules and code'],
    WATCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const format = requireFormat(call)
    const files = filesToWrite(call)
    const clone = await openClone(call)
    const base = optionText(call, 'base')
    const ledger = await knownLedger(call, clone)
    const { terminal } = call
    if (call.options['watch'] === true) return watch(call, clone, ledger, base)
    if (ledger.head === null && format === 'pretty')
      terminal.err(
        'No root is pinned (git config contractor.trust), so what the merge would do to tenants is not shown.',
      )
    const gates = openAuthorGates(clone, 'sandbox', call.options['anew'] === true)
    try {
      const { result, judged } = await checkClone({ clone, gates, ledger, now: () => new Date() }, base)
      result.behaviour.push(...(await behaviourOfMerge(clone.repository, ledger.seals, judged, result.merge)))
      const final = call.options['requireApprovals'] === true ? withApprovalsRequired(result) : result
      terminal.out(formatAs(format, final, terminal))
      for (const { path, as } of files) await writeFile(path, formatAs(as, final, terminal))
      return final.verdict === 'pass' ? 0 : 1
    } finally {
      await gates.stop()
    }
  },
}

async function watch(
  call: Call,
  clone: Clone,
  ledger: Awaited<ReturnType<typeof knownLedger>>,
  base: string | undefined,
) {
  const gates = openAuthorGates(clone, 'in-process')
  const deps = { clone, gates, ledger, now: () => new Date() }
  return watchClone(call, clone, async () => {
    const { result } = await checkClone(deps, base)
    return call.terminal.json ? JSON.stringify(result) : formatPretty(result, call.terminal)
  })
}

function formatAs(format: Format, result: CheckResult, terminal: Terminal): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(result)}\n`
    case 'sarif':
      return formatSarif(result)
    case 'junit':
      return formatJunit(result)
    case 'markdown':
      return formatMarkdown(result)
    case 'pretty':
      return formatPretty(result, terminal)
    default:
      return format satisfies never
  }
}

function requireFormat(call: Call): Format {
  const given = optionText(call, 'format') ?? (call.terminal.json ? 'json' : 'pretty')
  const format = FORMATS.find((known) => known === given)
  if (format !== undefined) return format
  throw new Fault('USAGE', `--format: expected ${FORMATS.join(', ')}, got "${given}".`)
}

function filesToWrite({ options, cwd }: Call): { path: string; as: Format }[] {
  const given = options['write']
  return (Array.isArray(given) ? given : []).map((name) => {
    const as = ENDINGS[/\.[a-z]+$/.exec(name)?.[0] ?? '']
    if (as === undefined)
      throw new Fault(
        'USAGE',
        `--write: expected a name that ends in ${Object.keys(ENDINGS).join(', ')}, got "${name}".`,
      )
    return { path: resolve(cwd, name), as }
  })
}

/** For the check that a merge requires: what people still have to approve is an error then. */
function withApprovalsRequired(result: CheckResult): CheckResult {
  const findings = result.findings.map((finding) =>
    finding.gate === 'merge' && finding.severity === 'warning' ? { ...finding, severity: 'error' as const } : finding,
  )
  return { ...result, findings, verdict: findings.some(({ severity }) => severity === 'error') ? 'fail' : 'pass' }
}
