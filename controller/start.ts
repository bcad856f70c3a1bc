import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { registryCredentials } from '../runtime/git/credentials.ts'
import { openRepository } from '../runtime/git/repository.ts'
import { listen, SERVER_LIMITS } from '../runtime/http/listen.ts'
import { BUNDLE_TAGS } from '../runtime/trust/bundle-tag.ts'
import { HEARTBEAT_REF } from '../runtime/trust/heartbeat.ts'
import { LIVE_REF } from '../runtime/trust/ledger.ts'
import { Fault } from '../schemas/fault.ts'
import type { ControllerConfig } from './config.ts'
import { openEvents, type Events } from './events.ts'
import { openStatuses } from './forge/statuses.ts'
import type { GateService } from './gate-service/gate-service.ts'
import { GATE_RUNS_REF } from './gate-service/run-branch.ts'
import { startGateService } from './gate-service/start-gate-service.ts'
import { openLanes } from './gates/lanes.ts'
import { openSandbox, SANDBOX_LIMITS, type Sandbox } from './gates/sandbox.ts'
import { createControllerApp } from './http/app.ts'
import { startLoop, type LoopStatus } from './loop.ts'
import type { LedgerHead } from './promotion/head.ts'
import { openMemoryFiles } from './promotion/memory-files.ts'
import { MAIN_REF } from './promotion/read-main.ts'
import { REPORTS_REF } from './promotion/reports.ts'
import { openPullProcesses } from './pulls/pull-process.ts'
import { headsOf } from './pulls/pull-heads.ts'
import { openPulls } from './pulls/pulls.ts'
import { openSigner } from './promotion/sign.ts'
import { AUDIT_REF } from './witness/audit-branch.ts'
import { openWitnessKey } from './witness/witness-key.ts'
import { openWitness, type Witness } from './witness/witness.ts'

export type RunningController = {
  /** `http://host:port` */
  url: string
  port: number
  events: Events
  head: () => LedgerHead
  status: () => LoopStatus
  /** Answers when everything that can be decided now is decided and written; gates go on beside it. */
  reconcileNow: () => Promise<void>
  stop: () => Promise<void>
}

/** What a caller may put in the place of what a controller makes itself. */
export type ControllerParts = { events?: Events; sandbox?: Sandbox; now?: () => Date }

const DRAIN_MS = 2_000
/** Asking a server for all pull requests is a larger question than asking for the branches. */
const PULLS_POLL_MS = 15_000
/** Judgements that hold up no promotion and wait for their turn. */
const LATER_ROOM = 64
/** What a controller reads of a registry behind a URL. */
export const FETCHED_REFS = [MAIN_REF, LIVE_REF, REPORTS_REF, GATE_RUNS_REF, HEARTBEAT_REF, AUDIT_REF, BUNDLE_TAGS]

/**
 * Starts a controller: verifies `live`, listens, and follows `main` until it is stopped.
 * @throws Fault `CONFIG_INVALID`, `PORT_TAKEN`, and those of Git and of a `live` that does not verify.
 */
export async function startController(
  config: ControllerConfig,
  { now = () => new Date(), events = openEvents(now), sandbox = openSandbox() }: ControllerParts = {},
): Promise<RunningController> {
  const lanes = openLanes({ first: sandbox, openLater: () => openSandbox(SANDBOX_LIMITS, 'low'), room: LATER_ROOM })
  const undo: (() => Promise<void>)[] = [() => lanes.stop()]
  const tell = ({ reason, message }: Fault) => events.emit({ type: 'fault', reason_code: reason, message })
  const rewind = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    await mkdir(config.stateDir, { recursive: true, mode: 0o700 })
    const mirror = join(config.stateDir, 'mirror')
    const credentials = registryCredentials(config)
    const repository = await openRepository(config.registry, { mirror, fetch: FETCHED_REFS, ...credentials })
    undo.push(() => repository.close())
    const signer = await openSigner(config.controllerKeyFile)
    const monotonicMs = () => performance.now()
    const onInternal = (error: unknown) =>
      events.emit({ type: 'fault', reason_code: 'INTERNAL', message: String(error) })
    const { stateDir, forge } = config
    const statuses =
      forge.api === null
        ? null
        : await openStatuses({ forge: forge.api, publicUrl: forge.publicUrl, stateDir, now, onFault: tell, onInternal })
    undo.push(async () => statuses?.stop())
    let witness: Witness | null = null
    let gateService: GateService | null = null
    const loop = await startLoop({
      repository,
      root: config.root,
      signer,
      heartbeatSigner: await openSigner(config.heartbeatKeyFile),
      memory: await openMemoryFiles(config.stateDir),
      sandbox: lanes.first,
      events,
      now,
      monotonicMs,
      pollIntervalMs: config.pollIntervalMs,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      heartbeatValidMs: config.heartbeatValidMs,
      onReport: (report) => gateService?.note(report),
      onLook: (looked) => statuses?.looked(looked),
      comparisons: () => witness?.comparisons() ?? null,
    })
    undo.push(() => loop.stop())
    const pulls =
      statuses === null || forge.pulls === null
        ? null
        : await openPulls({
            heads: headsOf(repository, { location: config.registry, ...credentials, stateDir, max: forge.pulls.max }),
            root: config.root,
            head: loop.head,
            main: () => repository.readRef(MAIN_REF),
            lane: lanes.later,
            processes: openPullProcesses(),
            file: join(stateDir, 'pulls.json'),
            put: statuses.put,
            onFault: tell,
            onInternal,
            now,
            everyMs:
              repository.kind === 'local' ? config.pollIntervalMs : Math.max(config.pollIntervalMs, PULLS_POLL_MS),
          })
    undo.push(async () => pulls?.stop())
    let draining = false
    const { head, status } = loop
    const isDraining = () => draining
    const service = await startGateService({
      repository,
      signer,
      head,
      later: lanes.later,
      stateDir,
      now,
      onFault: (error) => (error instanceof Fault ? tell(error) : onInternal(error)),
    })
    gateService = service
    undo.push(async () => {
      await lanes.later.stop()
      await service.stop()
    })
    witness = await openWitness({
      repository,
      signer,
      key: await openWitnessKey(config.stateDir, config.root.registry),
      stateDir: config.stateDir,
      head,
      now,
      monotonicMs,
      onFault: tell,
      onCompared: () => void loop.reconcileNow(),
    })
    void loop.reconcileNow()
    const app = createControllerApp({
      head,
      status,
      now,
      events,
      witness,
      reader: repository,
      gateService: service,
      isDraining,
      onInternal,
      operatorKey: config.operatorKey,
      webhookSecrets: config.forge.webhookSecrets,
      onHint: () => {
        void loop.reconcileNow()
        void pulls?.look()
      },
    })
    const { host, port } = config
    const listening = await listen((request) => app.fetch(request), { host, port, limits: SERVER_LIMITS, isDraining })
    undo.push(async () => {
      draining = true
      await listening.drain(DRAIN_MS)
    })
    return { ...loop, url: listening.url, port: listening.port, events, stop: rewind }
  } catch (error) {
    await rewind()
    throw error
  }
}
