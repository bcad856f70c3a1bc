import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { HOST, LOCATION, OPERATOR_KEY, path, settingsOf, registryAccess, whole } from '../runtime/settings.ts'
import { readRoot } from '../runtime/trust/read-root.ts'
import { readForgeConfig, type ForgeConfig } from './forge/config.ts'
import type { Root } from '../schemas/ledger/trust.ts'

export type ControllerConfig = {
  /** Path of the repository, or its http(s) URL. */
  registry: string
  /** Token for an http(s) registry; null where it asks for none. */
  registryToken: string | null
  /** User name where the server wants one with a password; left out, the token is sent as forges take it. */
  registryUser?: string
  root: Root
  /** Private keys in OpenSSH's format, mode 0600. */
  controllerKeyFile: string
  heartbeatKeyFile: string
  /** Folder of the last head that was written, of what stands refused, and of a remote's mirror. */
  stateDir: string
  host: string
  /** 0 takes a free one. */
  port: number
  pollIntervalMs: number
  heartbeatIntervalMs: number
  /** How long a heartbeat vouches for what it names. */
  heartbeatValidMs: number
  /** SHA-256 of the operator's key, which sees all tenants; null where there is none. */
  operatorKey: Buffer | null
  forge: ForgeConfig
}

/**
 * The configuration of a controller, read once.
 * @param flags by the names of the environment variables
 * @throws Fault `CONFIG_INVALID` for a value that is missing or malformed
 */
export function readControllerConfig(
  env: NodeJS.ProcessEnv,
  flags: Readonly<Record<string, string>> = {},
): ControllerConfig {
  const settings = settingsOf(env, flags)
  const { optional, required, secret } = settings
  const operatorKey = secret('CONTRACTOR_OPERATOR_KEY', OPERATOR_KEY)
  const keys = optional('CONTRACTOR_KEYS', path) ?? resolve('.contractor', 'keys')
  return {
    registry: required('CONTRACTOR_REGISTRY', LOCATION),
    ...registryAccess(settings),
    root: readRoot(required('CONTRACTOR_TRUST', path)),
    controllerKeyFile: optional('CONTRACTOR_CONTROLLER_KEY_FILE', path) ?? join(keys, 'controller'),
    heartbeatKeyFile: optional('CONTRACTOR_HEARTBEAT_KEY_FILE', path) ?? join(keys, 'heartbeat'),
    stateDir: optional('CONTRACTOR_STATE_DIR', path) ?? resolve('.contractor', 'controller'),
    host: optional('CONTRACTOR_HOST', HOST) ?? '127.0.0.1',
    port: optional('CONTRACTOR_CONTROLLER_PORT', whole(0, 65_535)) ?? optional('PORT', whole(0, 65_535)) ?? 7070,
    pollIntervalMs: optional('CONTRACTOR_POLL_INTERVAL_MS', whole(50, 3_600_000)) ?? 1_000,
    heartbeatIntervalMs: optional('CONTRACTOR_HEARTBEAT_INTERVAL_MS', whole(100, 3_600_000)) ?? 60_000,
    heartbeatValidMs: optional('CONTRACTOR_HEARTBEAT_VALID_MS', whole(1_000, 86_400_000)) ?? 600_000,
    forge: readForgeConfig(settings),
    operatorKey: operatorKey === null ? null : createHash('sha256').update(operatorKey).digest(),
  }
}
