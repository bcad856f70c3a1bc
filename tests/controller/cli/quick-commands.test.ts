import { expect, it } from 'vitest'
import { COMMANDS } from '../../../controller/cli/commands.ts'
import { commandsFor, QUICK_COMMANDS } from '../../../controller/cli/quick-commands.ts'

it.each(Object.entries(QUICK_COMMANDS))('%s alone is the command that it is among all', async (word, load) => {
  expect(COMMANDS).toContain(await load())
  expect((await commandsFor([word, '--help'])).map(({ name }) => name)).toEqual([word])
})

it.each([[[]], [['help', 'check']], [['--help']], [['nonsense']], [['new', 'bundle']], [['constructor']]])(
  'all commands are there for %j',
  async (argv) => {
    expect(await commandsFor(argv)).toBe(COMMANDS)
  },
)
