import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Fault } from '../schemas/fault.ts'
import { NAME } from '../schemas/names.ts'
import { readCopySettings, type CopyTarget } from './copies/copy-settings.ts'
import type { LogLevel } from './http/log.ts'
import type { RedisOptions } from './limits/redis-store.ts'
import {
  HOST,
  HTTP_URL,
  LOCATION,
  matching,
  OPERATOR_KEY,
  path,
  seconds,
  settingsOf,
  registryAccess,
  whole,
  withSettingsFile,
  type Form,
} from './settings.ts'

export type RuntimeConfig = {
  /** Path of a repository, or its http(s) URL. */
  registry: string
  /** Token for an http(s) registry; null where it asks for none. */
  registryToken: string | null
  /** User name where the server wants one with a password; left out, the token is sent as forges take it. */
  registryUser?: string
  /** Path of the pinned `root.json`. */
  trust: string
  /** Path of a lease that the root signed, with its signatures in `<path>.sig`; null where a controller is heard. */
  lease: string | null
  /** Folder of the last accepted head and the cache of bundles. */
  stateDir: string
  /** Folder of the audit log, or of those of its workers; of one Runtime only. */
  auditDir: string
  /** The controller that witnesses the audit log, and a key with the scope `checkpoints:write`; null where none does. */
  witness: { url: string; key: string } | null
  /** Where copies of audit records go. */
  auditCopies: CopyTarget[]
  /** Names this process in audit records and in the origin of its log. */
  node: string
  host: string
  /** 0 takes a free one. */
  port: number
  /** Processes that answer; with more than one, each has an audit log of its own in the audit folder. */
  workers: number
  pollIntervalMs: number
  /** SHA-256 of the operator's key; null where there is no operator. */
  operatorKey: Buffer | null
  /** Milliseconds for any request (`TIMEOUT_REQUEST`, which is given in seconds). */
  deadlineMs: number
  maxBodyBytes: number
  /** Requests with invalid keys that are answered in a minute; all of them share it. */
  invalidKeysPerMinute: number
  /** Where limits and quotas are counted. */
  limits: { store: 'memory' | 'cluster' } | { store: 'redis'; redis: RedisOptions }
  /** Milliseconds that running requests get at a stop. */
  drainMs: number
  logLevel: LogLevel
}

const STORES: Form<RuntimeConfig['limits']['store']> = {
  expected: 'memory, cluster or redis',
  parse: (text) => (['memory', 'cluster', 'redis'] as const).find((store) => store === text) ?? null,
}
const REDIS_URL = matching(/^rediss?:\/\/[\x21-\x7e]{1,1024}$/, 'a URL such as redis://:password@host:6379/0')

const LEVELS: Form<LogLevel> = {
  expected: 'debug, info, warn, error or silent',
  parse: (text) => (['debug', 'info', 'warn', 'error', 'silent'] as const).find((level) => level === text) ?? null,
}

/** The host's name in the form of a node's name. */
function nodeName(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
  return NAME.test(name) ? name : 'runtime'
}

function limitsOf({ optional, secret }: ReturnType<typeof settingsOf>, workers: number): RuntimeConfig['limits'] {
  const store = optional('CONTRACTOR_LIMITS_STORE', STORES) ?? (workers === 1 ? 'memory' : 'cluster')
  const url = secret('CONTRACTOR_REDIS_URL', REDIS_URL)
  const connectTimeoutMs = optional('CONTRACTOR_REDIS_CONNECT_TIMEOUT_MS', whole(10, 60_000)) ?? 2_000
  const commandTimeoutMs = optional('CONTRACTOR_REDIS_TIMEOUT_MS', whole(1, 60_000)) ?? 250
  if (store === 'redis') {
    if (url !== null) return { store, redis: { url, connectTimeoutMs, commandTimeoutMs } }
    throw new Fault('CONFIG_INVALID', 'CONTRACTOR_REDIS_URL is missing: the store redis needs the URL of one')
  }
  if ((store === 'memory') === (workers === 1)) return { store }
  const why = store === 'memory' ? 'would give each worker a whole limit; use cluster' : 'needs --workers; use memory'
  throw new Fault('CONFIG_INVALID', `CONTRACTOR_LIMITS_STORE: "${store}" with ${workers} worker(s) ${why} or redis`)
}

function witnessOf(url: string | null, key: string | null): RuntimeConfig['witness'] {
  if (url !== null && key !== null) return { url, key }
  if (url === null && key === null) return null
  const missing = url === null ? 'CONTRACTOR_CONTROLLER_URL' : 'CONTRACTOR_CHECKPOINT_KEY'
  throw new Fault('CONFIG_INVALID', `${missing} is missing: a witness needs the controller's URL and a key`)
}

/**
 * The configuration of a Runtime, read once.
 * @param flags by the names of the environment variables
 * @throws Fault `CONFIG_INVALID` for a value that is missing or malformed
 */
export function readRuntimeConfig(
  given: NodeJS.ProcessEnv,
  flags: Readonly<Record<string, string>> = {},
): RuntimeConfig {
  const env = withSettingsFile(given, flags)
  const settings = settingsOf(env, flags)
  const { optional, required, secret } = settings
  const operatorKey = secret('CONTRACTOR_OPERATOR_KEY', OPERATOR_KEY)
  const copies = optional('CONTRACTOR_AUDIT_COPIES', path)
  const workers = optional('CONTRACTOR_WORKERS', whole(1, 64)) ?? 1
  const stateDir = optional('CONTRACTOR_STATE_DIR', path) ?? resolve('.contractor', 'runtime')
  return {
    registry: required('CONTRACTOR_REGISTRY', LOCATION),
    ...registryAccess(settings),
    trust: required('CONTRACTOR_TRUST', path),
    lease: optional('CONTRACTOR_LEASE', path),
    stateDir,
    auditDir: optional('CONTRACTOR_AUDIT_DIR', path) ?? join(stateDir, 'audit'),
    witness: witnessOf(
      optional('CONTRACTOR_CONTROLLER_URL', HTTP_URL),
      secret('CONTRACTOR_CHECKPOINT_KEY', OPERATOR_KEY),
    ),
    auditCopies: copies === null ? [] : readCopySettings(copies, env),
    node: optional('CONTRACTOR_NODE', matching(NAME, `a name of ${NAME.source}`)) ?? nodeName(),
    host: optional('CONTRACTOR_HOST', HOST) ?? '127.0.0.1',
    port: optional('CONTRACTOR_RUNTIME_PORT', whole(0, 65_535)) ?? optional('PORT', whole(0, 65_535)) ?? 8080,
    workers,
    limits: limitsOf(settings, workers),
    pollIntervalMs: optional('CONTRACTOR_POLL_INTERVAL_MS', whole(50, 3_600_000)) ?? 2_000,
    operatorKey: operatorKey === null ? null : createHash('sha256').update(operatorKey).digest(),
    deadlineMs: optional('TIMEOUT_REQUEST', seconds) ?? 60_000,
    maxBodyBytes: optional('CONTRACTOR_MAX_BODY_BYTES', whole(1_024, 67_108_864)) ?? 1_048_576,
    invalidKeysPerMinute: optional('CONTRACTOR_INVALID_KEYS_PER_MINUTE', whole(1, 1_000_000)) ?? 10_000,
    drainMs: optional('CONTRACTOR_DRAIN_MS', whole(0, 600_000)) ?? 10_000,
    logLevel: optional('CONTRACTOR_LOG_LEVEL', LEVELS) ?? 'info',
  }
}
