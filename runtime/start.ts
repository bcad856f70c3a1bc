import type { DestinationStream } from 'pino'
import { PACKAGE_VERSION } from '../schemas/package-root.ts'
import { createDenials } from './audit/denials.ts'
import { workerFolder } from './audit/log-folders.ts'
import type { AuditLog } from './audit/log.ts'
import { connectWitness } from './audit/witness-client.ts'
import { NO_WITNESS, startWitnessReports, type WitnessReports } from './audit/witness-reports.ts'
import type { RuntimeConfig } from './config.ts'
import { execute } from './engine/execute.ts'
import { startFollowing, type Following } from './following.ts'
import { createRuntimeApp } from './http/app.ts'
import type { RuntimeDeps, RuntimeSettings } from './http/deps.ts'
import { listen, SERVER_LIMITS } from './http/listen.ts'
import { createLog } from './http/log.ts'
import { createMetrics } from './http/metrics.ts'
import { readinessOf } from './http/readiness.ts'
import { startCounting, type CountingDeps } from './limits/counting.ts'
import type { LimitStore } from './limits/limit-store.ts'
import { openSwappable } from './limits/swappable-counters.ts'
import { createSharedStore } from './limits/shared-store.ts'
import { openRuntimeAudit, recordOrigin } from './open-audit.ts'
import type { Follower, FollowOptions } from './tenants/follow.ts'
import { servedReport } from './tenants/served-report.ts'
import { createShadow } from './shadow/shadow.ts'
import { readRoot } from './trust/read-root.ts'
import type { Fleet, WorkerFigures, WorkerView } from './workers/calls.ts'

export type RunningRuntime = {
  /** `http://host:port` */
  url: string
  port: number
  follower: Follower
  audit: AuditLog
  figures(): Promise<WorkerFigures>
  /** Takes what may change while it runs; requests on their way end as they began. */
  reload(config: RuntimeConfig): Promise<void>
  /** Lets running requests end, writes the last checkpoint and closes everything. */
  stop(): Promise<void>
}

/** What a caller may put in the place of what a Runtime makes itself. */
export type RuntimeParts = {
  /** Where log lines go; standard error by default. */
  logDestination?: DestinationStream
  now?: () => Date
  onSwap?: FollowOptions['onSwap']
  worker?: WorkerParts
}

/** What its primary does for a worker. */
export type WorkerParts = {
  /** From 1 on. */
  id: number
  follow: (onSwap: () => void) => Promise<Following>
  /** Called once its audit log is open. */
  opened: (dir: string, audit: AuditLog) => Promise<void>
  limits: LimitStore
  fleet: Fleet
}

const FLUSH_DENIALS_MS = 10_000

function httpSettings({ node, maxBodyBytes, deadlineMs, operatorKey }: RuntimeConfig): RuntimeSettings {
  return { node, runtimeVersion: PACKAGE_VERSION, maxBodyBytes, deadlineMs, operatorKey }
}

/** The counters of a Runtime without workers. */
async function countAlone(
  { stateDir, auditDir, invalidKeysPerMinute }: RuntimeConfig,
  audit: AuditLog,
  deps: Pick<CountingDeps, 'log' | 'now' | 'monotonicMs'>,
  undo: (() => Promise<void>)[],
): Promise<LimitStore> {
  const sizes = () => new Map([[audit.origin, audit.status().size]])
  const counting = await startCounting({ ...deps, stateDir, invalidKeysPerMinute, sizes })
  undo.push(() => counting.stop())
  await counting.recount(auditDir, audit)
  await counting.recountUnused(auditDir, [auditDir])
  return counting.store
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
    const { worker } = parts
    const { auditDir, auditCopies: copies, node } = config
    const { registry } = root
    const dir = worker === undefined ? auditDir : workerFolder(auditDir, worker.id)
    const id = String(worker?.id ?? 0)
    const audit = await openRuntimeAudit({ dir, registry, node, worker: id, client, copies, log, now })
    undo.push(() => audit.close())
    let witness: WitnessReports | null = null
    const onSwap: FollowOptions['onSwap'] = (head) => {
      witness?.hint()
      parts.onSwap?.(head)
    }
    const { follower, close, useToken } = await (worker === undefined
      ? startFollowing(config, root, log, { now, onSwap })
      : worker.follow(() => witness?.hint()))
    undo.push(close)
    if (client !== null) {
      const names = { node: config.node, runtimeVersion: PACKAGE_VERSION }
      witness = startWitnessReports({
        client,
        dir,
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
    const flushing = setInterval(() => denials.flush(), FLUSH_DENIALS_MS)
    undo.push(async () => {
      clearInterval(flushing)
      denials.flush()
    })
    await worker?.opened(dir, audit)
    const local = worker?.limits ?? (await countAlone(config, audit, { log, now, monotonicMs }, undo))
    const counters = await openSwappable(config, root.registry, log)
    undo.push(() => counters.close())
    const onFailure = () => follower.status().onStoreFailure
    const limits =
      config.limits.store === 'redis' ? createSharedStore({ counters, local, onFailure, monotonicMs }) : local
    const ledger = () => {
      const { seq, age_s, reason_code = null } = follower.status()
      return { seq, ageS: age_s, trouble: reason_code }
    }
    const metrics = createMetrics({ audit: () => audit.status(), ledger, limits: () => limits.status() })
    const shadow = createShadow({
      tenants: follower,
      execute,
      monotonicMs,
      audit,
      origin: () => recordOrigin(node, now()),
      onOutcome: (tenant, outcome) => metrics.compared(tenant, outcome),
    })
    undo.push(() => shadow.stop())
    let draining = false
    const isDraining = () => draining
    const { host, port } = config
    let drainMs = config.drainMs
    const deps: RuntimeDeps = {
      tenants: follower,
      execute,
      audit,
      witness: witness ?? NO_WITNESS,
      denials,
      limits,
      metrics,
      fleet: worker?.fleet,
      shadow,
      log,
      settings: httpSettings(config),
      now,
      monotonicMs,
      isDraining,
    }
    let app = createRuntimeApp(deps)
    const fetch = (request: Request, env: object) => app.fetch(request, env)
    const listening = await listen(fetch, { host, port, limits: SERVER_LIMITS, isDraining })
    undo.push(async () => {
      draining = true
      await listening.drain(drainMs)
    })
    witness?.hint()
    log.info('listening', { url: listening.url, audit_verifier: audit.verifier })
    const view = (): WorkerView => {
      const { mayServe, ...readiness } = readinessOf(deps)
      const logged = { ...audit.status(), verifier: audit.verifier, witness: deps.witness.status() }
      return { worker: worker?.id ?? 0, ...readiness, may_serve: mayServe, audit: logged }
    }
    const figures = async () => ({
      view: view(),
      executions: [...metrics.executions()],
      metrics: await metrics.figures(),
    })
    async function reload(next: RuntimeConfig): Promise<void> {
      log.setLevel(next.logLevel)
      drainMs = next.drainMs
      if (next.registryToken !== null) useToken(next.registryToken)
      await counters.use(next)
      app = createRuntimeApp({ ...deps, settings: httpSettings(next) })
    }

    return { url: listening.url, port: listening.port, follower, audit, figures, reload, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
