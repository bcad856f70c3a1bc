import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../controller/cli/commands.ts'
import { wordsAfter } from '../../../controller/cli/completion.ts'
import { runCommand } from '../../support/author-clone.ts'

const script = async (shell: string) => (await runCommand('completion', [shell], {}, { cwd: '/', env: {} })).out

/** What bash offers at the end of a command line. */
async function offered(...words: string[]): Promise<string[]> {
  const quoted = ['contractor', ...words].map((word) => `'${word}'`).join(' ')
  const asked = `${await script('bash')}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _contractor; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', asked], { encoding: 'utf8' }).split('\n').filter(Boolean)
}

describe('contractor completion', () => {
  it('completes every command and option that there is, in bash', async () => {
    expect(await offered('ro')).toEqual(['rollback', 'root'])
    expect(await offered('root', '')).toEqual(expect.arrayContaining(['init', 'sign', 'rotate']))
    expect(await offered('resume', 'acme', '--ap')).toEqual(['--approve'])
    expect(await offered('keys', 'create', 'acme', '--sc')).toEqual(['--scopes'])
    const after = wordsAfter(COMMANDS)
    for (const { name } of COMMANDS) expect(after.get(name)).toContain('--help')
  })

  it.each(['zsh', 'fish'])('names every command for %s', async (shell) => {
    const text = await script(shell)
    for (const { name } of COMMANDS) for (const word of name.split(' ')) expect(text).toContain(word)
  })
})
