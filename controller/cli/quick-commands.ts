import type { CommandSpec } from './command.ts'

/**
 * Commands that people run many times a day, by their one word. Each loads only what it needs: loading every command
 * takes longer than most of them run.
 */
export const QUICK_COMMANDS: Readonly<Record<string, () => Promise<CommandSpec>>> = {
  check: async () => (await import('./check.ts')).check,
  test: async () => (await import('./test.ts')).test,
  try: async () => (await import('./try.ts')).tryQuestion,
  diff: async () => (await import('./diff.ts')).diff,
  fmt: async () => (await import('./fmt.ts')).fmt,
  promote: async () => (await import('./promote.ts')).promote,
  approve: async () => (await import('./approve.ts')).approve,
  status: async () => (await import('./status.ts')).status,
  wait: async () => (await import('./wait.ts')).wait,
  exec: async () => (await import('./exec.ts')).exec,
  explain: async () => (await import('./explain.ts')).explain,
  version: async () => (await import('./version.ts')).version,
}

/** What a command line may mean: the one quick command that it begins with, or all there are. */
export async function commandsFor([word = '']: readonly string[]): Promise<readonly CommandSpec[]> {
  const quick = Object.hasOwn(QUICK_COMMANDS, word) ? QUICK_COMMANDS[word] : undefined
  return quick === undefined ? (await import('./commands.ts')).COMMANDS : [await quick()]
}
