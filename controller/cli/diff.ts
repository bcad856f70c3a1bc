import { resolve } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { compareVersions } from './judge/behaviour.ts'
import { bundleAt, sealedBefore, WORK_TREE } from './judge/bundle-at.ts'
import type { BehaviourChanges } from './judge/check-result.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { formatBehaviourPretty } from './formats/behaviour.ts'
import { formatBehaviour } from './formats/markdown.ts'
import { knownLedger } from './clone/known-ledger.ts'
import { OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { tenantsRunning } from './judge/merge-preview.ts'
import { readQuestions } from './bundle/real-questions.ts'
import { readTenantValues, VALUES_OPTION } from './bundle/tenant-values.ts'

const FORMATS = ['pretty', 'json', 'markdown'] as const

export const diff: CommandSpec = {
  name: 'diff',
  summary: 'show what one version of a bundle answers otherwise than another',
  args: [
    ['<bundle>', 'name of a folder under bundles/'],
    ['[a]', 'a sealed version, a git revision, or . for the work tree (default: the sealed version before b)'],
    ['[b]', 'the same (default: the work tree)'],
  ],
  options: [
    [
      '--inputs <file>',
      'ask these questions, one JSON object a line, in place of generated ones; nothing of them is kept',
    ],
    ['--format <format>', `${FORMATS.join(', ')} (default: pretty)`],
    VALUES_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const format = requireFormat(call)
    const bundle = argument(call, 0, 'bundle')
    const clone = await openClone(call)
    const { head, seals } = await knownLedger(call, clone)
    const to = await bundleAt(clone, seals, bundle, call.args[2] ?? WORK_TREE)
    const from = await bundleAt(clone, seals, bundle, call.args[1] ?? sealedBefore(seals, bundle, to.parsed.version))
    const file = optionText(call, 'inputs')
    const inputs = file === undefined ? null : await readQuestions(resolve(call.cwd, file))
    const compared: BehaviourChanges = {
      ...compareVersions(from, to, inputs, await readTenantValues(call, clone)),
      tenants: head === null ? [] : tenantsRunning(head, from.digest),
    }
    const { terminal } = call
    if (format === 'json') terminal.out(JSON.stringify(compared))
    else if (format === 'markdown') terminal.out(formatBehaviour(compared))
    else terminal.out(formatBehaviourPretty(compared, terminal))
    return 0
  },
}

function requireFormat(call: Call): (typeof FORMATS)[number] {
  const given = optionText(call, 'format') ?? (call.terminal.json ? 'json' : 'pretty')
  const format = FORMATS.find((known) => known === given)
  if (format !== undefined) return format
  throw new Fault('USAGE', `--format: expected ${FORMATS.join(', ')}, got "${given}".`)
}
