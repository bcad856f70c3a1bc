import { optionText, type Call, type CommandSpec } from './command.ts'

/** Flags that stand for settings: name of the environment variable, form of the value, meaning. */
export type SettingFlags = Readonly<Record<string, readonly [variable: string, form: string, meaning: string]>>

export function settingOptions(flags: SettingFlags): NonNullable<CommandSpec['options']> {
  return Object.entries(flags).map(([flag, [variable, form, meaning]]) => [
    `--${flag} ${form}`,
    `${meaning} [${variable}]`,
  ])
}

/** What the flags of a call say, by the names of the environment variables. */
export function settingsOfCall(call: Call, flags: SettingFlags): Record<string, string> {
  const given = Object.entries(flags).map(([flag, [variable]]) => [variable, optionText(call, flag)] as const)
  return Object.fromEntries(given.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** Resolves at the first SIGINT or SIGTERM. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
