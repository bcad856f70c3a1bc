import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { Fault } from '../../schemas/fault.ts'
import { NAME } from '../../schemas/names.ts'
import type { ParsedRegistry } from '../../runtime/registry/parse-registry.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { newApiKey } from './keys.ts'
import { openLocalBundles } from './bundle/local-bundle.ts'
import { rehearsalFiles } from './rehearsal/rehearsal-files.ts'
import { startRehearsal } from './rehearsal/rehearsal.ts'
import { requireRules } from './judge/rules.ts'
import { bundleNames, readWorkTree } from './clone/work-tree.ts'

export const run: CommandSpec = {
  name: 'run',
  summary: 'run a command beside a Runtime that serves the bundles of this clone, such as: contractor run -- npm test',
  args: [['<command...>', 'the command and its arguments, after --']],
  options: [
    ['--tenant <tenant>', 'the tenant to serve (default: the first that has a current)'],
    ['--bundle <bundle>', "the bundle to serve it (default: the one of the tenant's current)"],
    CLONE_OPTION,
  ],
  async run(call) {
    const [, ...args] = call.args.flatMap((arg) => (arg === undefined ? [] : [arg]))
    const command = argument(call, 0, 'command')
    const clone = await openClone(call)
    const files = await readWorkTree(clone)
    const { parsed, rules } = requireRules(files)
    const { tenant, bundle: name } = choose(call, parsed, bundleNames(files.keys()))
    const bundle = await openLocalBundles(clone).compile(name)
    const key = newApiKey(tenant, 'rehearsal')
    call.terminal.err(`Sealing ${name} ${bundle.parsed.version} for ${tenant} …`)
    const rehearsal = await startRehearsal(tenant, (publicKey) =>
      rehearsalFiles(files, rules, { tenant, bundle, key, publicKey }),
    )
    try {
      call.terminal.err(`Runtime ${rehearsal.url}`)
      const given = { CONTRACTOR_RUNTIME_URL: rehearsal.url, CONTRACTOR_API_KEY: key, CONTRACTOR_TENANT: tenant }
      return await exitOf(command, args, { ...call.env, ...given }, call.cwd)
    } finally {
      await rehearsal.stop()
    }
  },
}

function choose(
  call: Call,
  { tenants }: ParsedRegistry,
  bundles: readonly string[],
): { tenant: string; bundle: string } {
  const wanted = optionText(call, 'bundle')
  const bundleOf = (name: string) => wanted ?? tenants.get(name)?.aliases.current?.bundle
  const named = optionText(call, 'tenant')
  if (named !== undefined && !NAME.test(named)) throw new Fault('USAGE', `--tenant: "${named}" is no name of a tenant.`)
  const serving = [...tenants.keys()].sort().filter((name) => bundles.includes(bundleOf(name) ?? ''))
  const tenant = named ?? serving[0] ?? 'test'
  const bundle = bundleOf(tenant) ?? (bundles.length === 1 ? bundles[0] : undefined)
  if (bundle !== undefined) return { tenant, bundle }
  throw new Fault('USAGE', `Name the bundle to serve ${tenant} with --bundle. There are: ${bundles.join(', ')}.`)
}

/** Runs the command with this terminal; its exit code, or 128 and the number of the signal that ended it. */
function exitOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd, stdio: 'inherit' })
    const pass = (signal: NodeJS.Signals) => void child.kill(signal)
    const signals = ['SIGINT', 'SIGTERM'] as const
    for (const signal of signals) process.on(signal, pass)
    const settled = () => {
      for (const signal of signals) process.off(signal, pass)
    }
    child.once('error', (error) => {
      settled()
      reject(new Fault('USAGE', `${command} could not be started: ${error.message}.`, { cause: error }))
    })
    child.once('exit', (code, signal) => {
      settled()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
