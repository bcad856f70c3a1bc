import { Fault } from '../../schemas/fault.ts'
import { argument, type CommandSpec } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** `completion`, over the commands that there are; given as a function, because it is one of them. */
export function completionOf(commands: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: 'completion',
    summary: 'print what makes a shell complete commands and options, such as: eval "$(contractor completion bash)"',
    args: [['<shell>', SHELLS.join(', ')]],
    run(call) {
      const named = argument(call, 0, 'shell')
      const shell = SHELLS.find((one) => one === named)
      if (shell === undefined) throw new Fault('USAGE', `Expected one of ${SHELLS.join(', ')}, got "${named}".`)
      const words = wordsAfter(commands())
      const { terminal } = call
      if (terminal.json) terminal.out(JSON.stringify(Object.fromEntries(words)))
      else terminal.out(shell === 'fish' ? fish(words) : bash(words, shell))
      return Promise.resolve(0)
    },
  }
}

/** What may follow the words typed so far: commands, then the options of the command. */
export function wordsAfter(commands: readonly CommandSpec[]): Map<string, string[]> {
  const after = new Map<string, string[]>()
  const add = (typed: string, word: string) => {
    const known = after.get(typed) ?? []
    if (!known.includes(word)) after.set(typed, [...known, word])
  }
  add('', 'help')
  for (const { name, options = [] } of commands) {
    const words = name.split(' ')
    for (const [index, word] of words.entries()) add(words.slice(0, index).join(' '), word)
    for (const [form] of [...options, ['--json'], ['--help']]) add(name, (form ?? '').split(' ')[0] ?? '')
  }
  return after
}

/** One function for both shells: zsh reads bash completions. Files are completed where no word fits. */
function bash(after: ReadonlyMap<string, readonly string[]>, shell: 'bash' | 'zsh'): string {
  const cases = [...after].map(([typed, words]) => `    '${typed}') words='${words.join(' ')}' ;;`).join('\n')
  const head =
    shell === 'zsh' ? 'autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n' : ''
  return `${head}_contractor() {
  local words typed='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; esac
    case "\${typed:+$typed }$word" in
${[...after.keys()]
  .filter((typed) => typed !== '')
  .map((typed) => `      '${typed}') typed='${typed}' ;;`)
  .join('\n')}
    esac
  done
  case "$typed" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _contractor contractor`
}

function fish(after: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...after].flatMap(([typed, words]) => {
    const seen = typed.split(' ').filter((word) => word !== '')
    const all = seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    const condition = typed === '' ? '__fish_use_subcommand' : all
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c contractor -n '${condition}' -l ${word.slice(2)}`
        : `complete -c contractor -f -n '${condition}' -a ${word}`,
    )
  })
  return lines.join('\n')
}
