import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault } from '../schemas/fault.ts'
import { isUrl } from './git/remote-url.ts'

export type Form<Value> = { parse: (text: string) => Value | null; expected: string }

export const whole = (min: number, max: number): Form<number> => ({
  expected: `a whole number from ${min} to ${max}`,
  parse: (text) => (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : null),
})

export const seconds: Form<number> = {
  expected: 'seconds from 0.001 to 3600, such as 60',
  parse: (text) => {
    const value = Number(text)
    return /^\d{1,4}(?:\.\d{1,3})?$/.test(text) && value > 0 && value <= 3600 ? Math.round(value * 1000) : null
  },
}

export const matching = (form: RegExp, expected: string): Form<string> => ({
  expected,
  parse: (text) => (form.test(text) ? text : null),
})

export const path: Form<string> = {
  expected: 'a path',
  parse: (text) => (text === '' || text.includes('\0') ? null : resolve(text)),
}

export const OPERATOR_KEY = matching(/^[\x21-\x7e]{32,256}$/, '32 to 256 visible ASCII characters')
export const TOKEN = matching(/^[\x21-\x7e]{1,1024}$/, 'a token of visible ASCII characters')
export const HOST = matching(/^[A-Za-z0-9.:_-]{1,255}$/, 'a host name or address')
export const HTTP_URL = matching(/^https?:\/\/[^\s?#@]{1,1024}$/, 'an http(s) URL without credentials')
/** Other kinds of URLs pass through as they are: what opens repositories says what it serves. */
export const LOCATION: Form<string> = {
  expected: 'a path or an http(s) URL',
  parse: (text) => (isUrl(text) ? text : path.parse(text)),
}

const LINE = /^([A-Z][A-Z0-9_]{0,63})=(.*)$/

/**
 * The environment over what the file that `CONTRACTOR_SETTINGS` names says: `NAME=value` lines as they are, without
 * quotes; empty ones and those that begin with `#` say nothing. A process can read a file again, its environment not.
 * @throws Fault `CONFIG_INVALID`
 */
export function withSettingsFile(env: NodeJS.ProcessEnv, flags: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const file = flags['CONTRACTOR_SETTINGS'] ?? env['CONTRACTOR_SETTINGS']
  if (file === undefined) return env
  const settings: NodeJS.ProcessEnv = {}
  for (const [at, line] of readSecret('CONTRACTOR_SETTINGS', file).split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, name, value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new Fault('CONFIG_INVALID', `${file}:${at + 1}: expected NAME=value, or a line that begins with #`)
    settings[name] = value
  }
  return { ...settings, ...env }
}

/** Reads settings by name; a value given on the command line goes before the environment. */
export function settingsOf(env: NodeJS.ProcessEnv, flags: Readonly<Record<string, string>>) {
  function optional<Value>(name: string, { parse, expected }: Form<Value>): Value | null {
    const text = flags[name] ?? env[name]
    if (text === undefined) return null
    const value = parse(text)
    if (value !== null) return value
    throw new Fault('CONFIG_INVALID', `${name}: expected ${expected}, found "${withoutCredentials(text).slice(0, 80)}"`)
  }

  function required<Value>(name: string, form: Form<Value>): Value {
    const value = optional(name, form)
    if (value !== null) return value
    throw new Fault('CONFIG_INVALID', `${name} is missing: expected ${form.expected}`)
  }

  /** Like `optional`, or from the file that `<name>_FILE` names; no message shows any of it. */
  function secret(name: string, { parse, expected }: Form<string>): string | null {
    const file = flags[`${name}_FILE`] ?? env[`${name}_FILE`]
    const given = flags[name] ?? env[name]
    if (file !== undefined && given !== undefined) {
      throw new Fault('CONFIG_INVALID', `${name} and ${name}_FILE are both given; give one of them`)
    }
    const text = file === undefined ? given : readSecret(`${name}_FILE`, file)
    if (text === undefined) return null
    const value = parse(text)
    if (value !== null) return value
    throw new Fault('CONFIG_INVALID', `${file === undefined ? name : `${name}_FILE`}: expected ${expected}`)
  }

  return { optional, required, secret }
}

const withoutCredentials = (text: string): string => text.replace(/\/\/[^/]*@/, '//…@')

function readSecret(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${name}: "${file}" cannot be read`, { cause: error })
  }
}

const USER = matching(/^[\x21-\x39\x3b-\x7e]{1,256}$/, 'a user name of visible ASCII characters without a colon')

/** How to sign in at an http(s) registry. @throws Fault `CONFIG_INVALID` */
export function registryAccess({ optional, secret }: ReturnType<typeof settingsOf>) {
  const registryToken = secret('CONTRACTOR_REGISTRY_TOKEN', TOKEN)
  const user = optional('CONTRACTOR_REGISTRY_USER', USER)
  if (user === null) return { registryToken }
  if (registryToken !== null) return { registryToken, registryUser: user }
  throw new Fault('CONFIG_INVALID', 'CONTRACTOR_REGISTRY_USER is given without CONTRACTOR_REGISTRY_TOKEN or its file')
}
