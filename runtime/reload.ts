import type { RuntimeConfig } from './config.ts'

type Setting = keyof RuntimeConfig

/** What a Runtime that runs takes anew. A new setting does not compile before somebody has said which it is. */
const IS_LIVE: Readonly<Record<Setting, boolean>> = {
  registry: false,
  registryToken: true,
  registryUser: false,
  trust: false,
  lease: false,
  stateDir: false,
  auditDir: false,
  witness: false,
  auditCopies: false,
  node: false,
  host: false,
  port: false,
  workers: false,
  limits: true,
  pollIntervalMs: false,
  operatorKey: true,
  deadlineMs: true,
  maxBodyBytes: true,
  invalidKeysPerMinute: false,
  drainMs: true,
  logLevel: true,
}

export type Reread = {
  /** What is in force from now on. */
  config: RuntimeConfig
  /** Names of settings that changed. */
  changed: Setting[]
  /** Names of those that changed and wait for a restart. */
  waiting: Setting[]
}

const text = (value: unknown) => JSON.stringify(value) ?? ''

/** The kind of store, and whether there is a token at all, are what a Runtime is built around. */
function takes(setting: Setting, before: RuntimeConfig, next: RuntimeConfig): boolean {
  if (setting === 'limits') return before.limits.store === next.limits.store
  if (setting === 'registryToken') return before.registryToken !== null && next.registryToken !== null
  return IS_LIVE[setting]
}

/** What of a configuration that was read again holds at once, and what does not. */
export function reread(before: RuntimeConfig, next: RuntimeConfig): Reread {
  const names = Object.keys(IS_LIVE) as Setting[]
  const different = names.filter((name) => text(before[name]) !== text(next[name]))
  const changed = different.filter((name) => takes(name, before, next))
  const taken = Object.fromEntries(changed.map((name) => [name, next[name]])) as Partial<RuntimeConfig>
  return {
    config: { ...before, ...taken },
    changed,
    waiting: different.filter((name) => !changed.includes(name)),
  }
}
