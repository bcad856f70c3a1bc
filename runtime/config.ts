import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Fault } from '../schemas/fault.ts'
import { NAME } from '../schemas/names.ts'
import { readCopySettings, type CopyTarget } from './copies/copy-settings.ts'
import type { LogLevel } from './http/log.ts'
import {
  HOST,
  HTTP_URL,
  LOCATION,
  matching,
  OPERATOR_KEY,
  path,
  seconds,
  settingsOf,
  TOKEN,
  whole,
  type Form,
} from './settings.ts'

export type RuntimeConfig = {
  /** Path of a repository, or its http(s) URL. */
  registry: string
  /** Token for an http(s) registry; null where it asks for none. */
  registryToken: string | null
  /** Path of the pinned `root.json`. */
  trust: string
  /** Path of a lease that the root signed, with its signatures in `<path>.sig`; null where a controller is heard. */
  lease: string | null
  /** Folder of the last accepted head and the cache of bundles. */
  stateDir: string
  /** Folder of the audit log; of one process only. */
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
  pollIntervalMs: number
  /** SHA-256 of the operator's key; null where there is no operator. */
  operatorKey: Buffer | null
  /** Milliseconds for any request (`TIMEOUT_REQUEST`, which is given in seconds). */
  deadlineMs: number
  maxBodyBytes: number
  /** Requests with invalid keys that are answered in a minute; all of them share it. */
  invalidKeysPerMinute: number
  /** Milliseconds that running requests get at a stop. */
  drainMs: number
  logLevel: LogLevel
}

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
export function readRuntimeConfig(env: NodeJS.ProcessEnv, flags: Readonly<Record<string, string>> = {}): RuntimeConfig {
  const { optional, required, secret } = settingsOf(env, flags)
  const operatorKey = secret('CONTRACTOR_OPERATOR_KEY', OPERATOR_KEY)
  const copies = optional('CONTRACTOR_AUDIT_COPIES', path)
  const stateDir = optional('CONTRACTOR_STATE_DIR', path) ?? resolve('.contractor', 'runtime')
  return {
    registry: required('CONTRACTOR_REGISTRY', LOCATION),
    registryToken: secret('CONTRACTOR_REGISTRY_TOKEN', TOKEN),
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
    pollIntervalMs: optional('CONTRACTOR_POLL_INTERVAL_MS', whole(50, 3_600_000)) ?? 2_000,
    operatorKey: operatorKey === null ? null : createHash('sha256').update(operatorKey).digest(),
    deadlineMs: optional('TIMEOUT_REQUEST', seconds) ?? 60_000,
    maxBodyBytes: optional('CONTRACTOR_MAX_BODY_BYTES', whole(1_024, 67_108_864)) ?? 1_048_576,
    invalidKeysPerMinute: optional('CONTRACTOR_INVALID_KEYS_PER_MINUTE', whole(1, 1_000_000)) ?? 10_000,
    drainMs: optional('CONTRACTOR_DRAIN_MS', whole(0, 600_000)) ?? 10_000,
    logLevel: optional('CONTRACTOR_LOG_LEVEL', LEVELS) ?? 'info',
  }
}
