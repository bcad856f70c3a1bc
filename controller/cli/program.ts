import { Command, CommanderError } from 'commander'
import { PACKAGE_VERSION } from '../../schemas/package-root.ts'
import type { CommandSpec } from './command.ts'
import { reportFailure } from './exit.ts'
import { commandsFor } from './quick-commands.ts'
import { openTerminal } from './terminal.ts'

/** Reads the command line, runs one command, and says how it ended. Usage errors end with 2, before anything ran. */
export async function runContractor(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let code = 0
  const program = new Command('contractor')
    .description('The control plane for governed AI systems: versioned, tested, approved, signed and audited in Git.')
    .version(PACKAGE_VERSION, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(`contractor help <command>` shows the arguments and options)')
    .showSuggestionAfterError()
  for (const spec of await commandsFor(argv)) {
    addCommand(program, spec, async (args, options) => {
      const terminal = openTerminal(options['json'] === true, env)
      try {
        code = await spec.run({ args, options, terminal, env, cwd: process.cwd() })
      } catch (error) {
        code = reportFailure(error, terminal)
      }
    })
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : 2
  }
  return code
}

type Run = (
  args: (string | undefined)[],
  options: Record<string, string | boolean | string[] | undefined>,
) => Promise<void>

function addCommand(program: Command, spec: CommandSpec, run: Run): void {
  const words = spec.name.split(' ')
  const command = groupOf(program, words.slice(0, -1)).command(words.at(-1)!).description(spec.summary)
  for (const [form, meaning] of spec.args ?? []) command.argument(form, meaning)
  for (const [form, meaning] of spec.options ?? []) command.option(form, meaning)
  command.option('--json', 'print one JSON document and nothing else')
  command.action(async () => run(command.processedArgs.flat() as (string | undefined)[], command.opts()))
}

/** What the commands below a first word are about. */
const GROUPS: Readonly<Record<string, string>> = {
  new: 'make a bundle or a tenant from a scaffold',
  audit: 'check, read, prove and export the audit log of a Runtime',
  keys: 'make, revoke and list API keys of a tenant',
  root: 'make the keys of a root, sign with them, and rotate those of the controller',
}

function groupOf(program: Command, words: readonly string[]): Command {
  return words.reduce((group, word) => {
    const known = group.commands.find((command) => command.name() === word)
    return known ?? group.command(word).description(GROUPS[word] ?? `${word} …`)
  }, program)
}
