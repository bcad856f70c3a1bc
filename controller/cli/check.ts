import type { SuiteResult } from '../../runtime/engine/suites.ts'
import type { Finding } from '../../schemas/finding.ts'
import { Fault } from '../../schemas/fault.ts'
import { openSandbox, type Sandbox } from '../gates/sandbox.ts'
import type { SealedVersion } from '../gates/gate.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'
import { formatFindings } from './findings.ts'
import { requireRules } from './rules.ts'
import { sealedVersions } from './sealed-versions.ts'
import { bundleNames, bundleOf, readWorkTree } from './work-tree.ts'
import type { Registry } from '../../schemas/registry/registry.ts'

/** What `check --json` prints (DESIGN section 7). */
export type CheckResult = {
  verdict: 'pass' | 'fail'
  findings: Finding[]
  suites: SuiteResult[]
  bundles: { bundle: string; version: string; digest: string | null; verdict: 'pass' | 'fail' }[]
}

export const check: CommandSpec = {
  name: 'check',
  summary: 'judge the registry in this clone as the controller will',
  options: [
    ['--base <rev>', 'only what differs from this revision, such as origin/main'],
    ['--format <format>', 'pretty or json'],
    CLONE_OPTION,
  ],
  async run(call) {
    const format = requireFormat(call)
    const clone = await openClone(call)
    const result = await checkClone(clone, optionText(call, 'base'))
    const { terminal } = call
    if (format === 'json') terminal.out(JSON.stringify(result))
    else {
      if (result.findings.length > 0) terminal.out(formatFindings(result.findings, terminal))
      for (const { bundle, version, digest, verdict } of result.bundles) {
        terminal.out(
          `${verdict === 'pass' ? terminal.style('green', '✔') : terminal.style('red', '✘')} ${bundle} ${version}  ${digest ?? 'does not compile'}`,
        )
      }
      const errors = result.findings.filter((finding) => finding.severity === 'error').length
      terminal.out(
        result.verdict === 'pass' ? terminal.style('green', 'pass') : terminal.style('red', `fail: ${errors} error(s)`),
      )
    }
    return result.verdict === 'pass' ? 0 : 1
  },
}

function requireFormat(call: Call): 'pretty' | 'json' {
  const format = optionText(call, 'format') ?? (call.terminal.json ? 'json' : 'pretty')
  if (format === 'pretty' || format === 'json') return format
  throw new Fault('USAGE', `--format: expected pretty or json, got "${format}".`)
}

async function checkClone(clone: Clone, base: string | undefined): Promise<CheckResult> {
  const files = await readWorkTree(clone)
  const { parsed, rules } = requireRules(files)
  const changed = base === undefined ? null : await changedPaths(clone, base)
  const counts = ({ path }: Finding) => changed === null || changed.has(path)
  const findings = [...parsed.findings, ...[...parsed.tenants.values()].flatMap((tenant) => tenant.findings)].filter(
    counts,
  )
  const names = bundleNames(changed ?? files.keys()).filter((name) => bundleOf(files, name).size > 0)
  const sealed = await sealedVersions(clone)
  const sandbox = openSandbox()
  try {
    const judged = await Promise.all(names.map((name) => judge(sandbox, files, name, rules, sealed)))
    const all = [...findings, ...judged.flatMap(({ report }) => report.findings)]
    return {
      verdict: all.some((finding) => finding.severity === 'error') ? 'fail' : 'pass',
      findings: all,
      suites: judged.flatMap(({ report }) => report.suites),
      bundles: judged.map(({ report: { bundle, version, digest, verdict } }) => ({ bundle, version, digest, verdict })),
    }
  } finally {
    await sandbox.stop()
  }
}

function judge(
  sandbox: Sandbox,
  files: ReadonlyMap<string, Buffer>,
  name: string,
  rules: Registry,
  sealed: ReadonlyMap<string, SealedVersion[]>,
) {
  return sandbox.judge({ files: bundleOf(files, name), name, rules, sealed: sealed.get(name) ?? [], previous: null })
}

async function changedPaths(clone: Clone, base: string): Promise<Set<string>> {
  const against = await clone.git('merge-base', base, 'HEAD')
  const tracked = await clone.git('diff', '--name-only', '-z', against)
  const untracked = await clone.git('ls-files', '-z', '--others', '--exclude-standard')
  return new Set([...tracked.split('\0'), ...untracked.split('\0')].filter((path) => path !== ''))
}
