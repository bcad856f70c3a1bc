import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DestinationStream } from 'pino'
import type { Root } from '../schemas/ledger/trust.ts'
import { Fault } from '../schemas/fault.ts'
import { PACKAGE_VERSION } from '../schemas/package-root.ts'
import { closeUnfinished } from './audit/calls.ts'
import { createDenials } from './audit/denials.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from './audit/log.ts'
import { readIdentity } from './audit/identity.ts'
import { formatVerifier, verifierOf } from './audit/note.ts'
import { recoveredRecord, type RecordOrigin } from './audit/record.ts'
import { connectWitness, type WitnessClient } from './audit/witness-client.ts'
import { NO_WITNESS, startWitnessReports, type WitnessReports } from './audit/witness-reports.ts'
import { openBundleStore } from './bundle/store.ts'
import type { RuntimeConfig } from './config.ts'
import { execute } from './engine/execute.ts'
import { tokenCredentials } from './git/credentials.ts'
import { openRepository } from './git/repository.ts'
import { createRuntimeApp } from './http/app.ts'
import { createLimiter } from './http/limiter.ts'
import { listen, SERVER_LIMITS } from './http/listen.ts'
import { createLog, type Log } from './http/log.ts'
import { openQuotaMemory } from './http/quota-memory.ts'
import { createMetrics } from './http/metrics.ts'
import { follow, type Follower, type FollowOptions } from './tenants/follow.ts'
import { servedReport } from './tenants/served-report.ts'
import { createShadow } from './shadow/shadow.ts'
import { BUNDLE_TAGS } from './trust/bundle-tag.ts'
import { HEARTBEAT_REF } from './trust/heartbeat.ts'
import { LIVE_REF } from './trust/ledger.ts'
import { readRoot } from './trust/read-root.ts'

export type RunningRuntime = {
  /** `http://host:port` */
  url: string
  port: number
  follower: Follower
  audit: AuditLog
  /** Lets running requests end, writes the last checkpoint and closes everything. */
  stop(): Promise<void>
}

/** What a caller may put in the place of what a Runtime makes itself. */
export type RuntimeParts = {
  /** Where log lines go; standard error by default. */
  logDestination?: DestinationStream
  now?: () => Date
  onSwap?: FollowOptions['onSwap']
}

const FETCHED = [LIVE_REF, HEARTBEAT_REF, BUNDLE_TAGS]
const MAX_BUNDLE_CACHE_BYTES = 2 * 1024 ** 3
const FLUSH_DENIALS_MS = 10_000
const SWEEP_LIMITS_MS = 30_000
const SAVE_QUOTAS_MS = 10_000

async function readLease(path: string | null): Promise<{ bytes: Buffer; signatures: string } | undefined> {
  if (path === null) return undefined
  try {
    return { bytes: await readFile(path), signatures: await readFile(`${path}.sig`, 'utf8') }
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${path} and ${path}.sig cannot be read`, { cause: error })
  }
}

async function startFollowing(
  config: RuntimeConfig,
  root: Root,
  log: Log,
  { now, onSwap }: { now: () => Date; onSwap: FollowOptions['onSwap'] },
): Promise<{ follower: Follower; close: () => Promise<void> }> {
  const credentials = config.registryToken === null ? {} : { credentials: tokenCredentials(config.registryToken) }
  const mirror = join(config.stateDir, 'mirror')
  const repository = await openRepository(config.registry, { mirror, fetch: FETCHED, ...credentials })
  try {
    const folder = join(config.stateDir, 'bundles')
    const follower = await follow({
      repository,
      root,
      stateDir: config.stateDir,
      bundleStore: await openBundleStore({ folder, maxBytes: MAX_BUNDLE_CACHE_BYTES, now }),
      runtimeVersion: PACKAGE_VERSION,
      now,
      log,
      lease: await readLease(config.lease),
      onSwap,
      pollIntervalMs: config.pollIntervalMs,
      watch: true,
    })
    const close = async () => {
      await follower.stop()
      await repository.close()
    }
    return { follower, close }
  } catch (error) {
    await repository.close()
    throw error
  }
}

function originOf({ node }: RuntimeConfig, now: Date): RecordOrigin {
  return { ts: now.toISOString(), node, runtime_version: PACKAGE_VERSION }
}

/** What the witness saw last of the log in `dir`; null for a new log, and where the witness cannot be asked. */
async function anchorOf(dir: string, client: WitnessClient | null, log: Log) {
  if (client === null) return null
  const identity = await readIdentity(dir)
  if (identity === null) return null
  try {
    return await client.seen(formatVerifier(verifierOf(identity.signer)))
  } catch (error) {
    log.error('the witness of the audit log could not be asked; the log is opened without its anchor', error)
    return null
  }
}

/**
 * Starts a Runtime: opens its audit log, follows `live`, and listens. It answers `/readyz` at once and `/execute` as
 * soon as the ledger is verified.
 * @throws Fault `CONFIG_INVALID`, `PORT_TAKEN`, `AUDIT_BROKEN`, `NOT_FOUND` (no such registry)
 */
export async function startRuntime(config: RuntimeConfig, parts: RuntimeParts = {}): Promise<RunningRuntime> {
  const { now = () => new Date(), logDestination = process.stderr } = parts
  const monotonicMs = () => performance.now()
  const log = createLog(config.logLevel, logDestination)
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const root = readRoot(config.trust)
    const client = config.witness === null ? null : connectWitness(config.witness.url, config.witness.key)
    const audit = await openAuditLog({
      ...AUDIT_DEFAULTS,
      anchor: await anchorOf(config.auditDir, client, log),
      dir: config.auditDir,
      registry: root.registry,
      node: config.node,
      onPublishError: (error) => log.error('the checkpoint of the audit log could not be written', error),
    })
    undo.push(() => audit.close())
    if (audit.tornBytes > 0) {
      log.warn('a torn tail of the audit log was cut off', { bytes: audit.tornBytes })
      await audit.append(recoveredRecord(originOf(config, now()), audit.tornBytes))
    }
    const unfinished = await closeUnfinished(audit, originOf(config, now()))
    if (unfinished > 0) log.warn('calls were begun and not ended; what became of them is unknown', { unfinished })
    let witness: WitnessReports | null = null
    const onSwap: FollowOptions['onSwap'] = (head) => {
      witness?.hint()
      parts.onSwap?.(head)
    }
    const { follower, close } = await startFollowing(config, root, log, { now, onSwap })
    undo.push(close)
    if (client !== null) {
      const names = { node: config.node, runtimeVersion: PACKAGE_VERSION }
      witness = startWitnessReports({
        client,
        dir: config.auditDir,
        audit,
        serves: () => servedReport(names, follower.status(), follower.tenants()),
        monotonicMs,
        onTrouble: (error) => log.error('the witness did not take a checkpoint of the audit log', error),
      })
      undo.push(() => witness?.stop() ?? Promise.resolve())
    }
    const denials = createDenials({
      append: (record) => {
        audit.append(record).catch((error: unknown) => log.error('denials could not be recorded', error))
      },
      now,
      node: config.node,
      runtimeVersion: PACKAGE_VERSION,
    })
    const limiter = createLimiter(monotonicMs, config.invalidKeysPerMinute)
    const quotaFile = join(config.stateDir, 'quotas.json')
    const quotaMemory = await openQuotaMemory(quotaFile, config.auditDir, audit, now())
    const saveQuotas = () =>
      quotaMemory.save().catch((error: unknown) => log.error('the quota counts could not be written down', error))
    const timers = [
      setInterval(() => void saveQuotas(), SAVE_QUOTAS_MS),

      setInterval(() => denials.flush(), FLUSH_DENIALS_MS),
      setInterval(() => limiter.sweep(), SWEEP_LIMITS_MS),
    ]
    undo.push(async () => {
      for (const timer of timers) clearInterval(timer)
      denials.flush()
      await saveQuotas()
    })
    const ledger = () => {
      const { seq, age_s } = follower.status()
      return { seq, ageS: age_s }
    }
    const metrics = createMetrics({ audit: () => audit.status(), ledger })
    const shadow = createShadow({
      tenants: follower,
      execute,
      monotonicMs,
      audit,
      origin: () => originOf(config, now()),
      onOutcome: (tenant, outcome) => metrics.compared(tenant, outcome),
    })
    undo.push(() => shadow.stop())
    let draining = false
    const isDraining = () => draining
    const { node, maxBodyBytes, deadlineMs, operatorKey, host, port } = config
    const app = createRuntimeApp({
      tenants: follower,
      execute,
      audit,
      witness: witness ?? NO_WITNESS,
      denials,
      limiter,
      quotas: quotaMemory.quotas,
      metrics,
      shadow,
      log,
      settings: { node, runtimeVersion: PACKAGE_VERSION, maxBodyBytes, deadlineMs, operatorKey },
      now,
      monotonicMs,
      isDraining,
    })
    const fetch = (request: Request, env: object) => app.fetch(request, env)
    const listening = await listen(fetch, { host, port, limits: SERVER_LIMITS, isDraining })
    undo.push(async () => {
      draining = true
      await listening.drain(config.drainMs)
    })
    witness?.hint()
    log.info('listening', { url: listening.url, audit_verifier: audit.verifier })
    return { url: listening.url, port: listening.port, follower, audit, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
