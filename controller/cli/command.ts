import type { Terminal } from './terminal.ts'
import { Fault } from '../../schemas/fault.ts'

/** One call of a command, after the command line was read. */
export type Call = {
  args: readonly (string | undefined)[]
  options: Readonly<Record<string, string | boolean | string[] | undefined>>
  terminal: Terminal
  env: NodeJS.ProcessEnv
  cwd: string
}

/** A command as data: the command line, the help and the completion are all built from it. */
export type CommandSpec = {
  /** Words, such as `root init`. */
  name: string
  summary: string
  /** `<required>`, `[optional]` or `[rest...]`, each with what it means. */
  args?: readonly (readonly [form: string, meaning: string])[]
  /** `--flag`, `--name <value>`, each with what it means. */
  options?: readonly (readonly [form: string, meaning: string])[]
  /** Its exit code: one of exit.ts, or what a command that it ran ended with. */
  run(call: Call): Promise<number>
}

/** The value of `--name <value>`, or undefined where it was not given. */
export function optionText({ options }: Call, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** @throws Fault `USAGE` where the argument was not given */
export function argument({ args }: Call, index: number, name: string): string {
  const value = args[index]
  if (value === undefined) throw new Fault('USAGE', `The argument <${name}> is missing.`)
  return value
}

/** The value of an option that must be a whole number within bounds. */
export function optionNumber(call: Call, name: string, bounds: { min: number; max: number; preset: number }): number {
  const text = optionText(call, name)
  if (text === undefined) return bounds.preset
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= bounds.min && value <= bounds.max) return value
  throw new Fault('USAGE', `--${name}: expected a whole number from ${bounds.min} to ${bounds.max}, got "${text}".`)
}
