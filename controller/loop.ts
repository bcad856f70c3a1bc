import type { Repository } from '../runtime/git/repository.ts'
import { Fault } from '../schemas/fault.ts'
import type { Root } from '../schemas/ledger/trust.ts'
import type { Reason } from '../schemas/reasons.ts'
import type { Events } from './events.ts'
import type { GateReport } from './gates/report.ts'
import type { Sandbox } from './gates/sandbox.ts'
import type { ObserveDeps } from './observe.ts'
import type { Plan } from './plan.ts'
import { openGateRuns } from './promotion/gate-runs.ts'
import type { LedgerHead } from './promotion/head.ts'
import { writeHeartbeat } from './promotion/heartbeat.ts'
import { openLive, remember, type Live } from './promotion/live.ts'
import type { MemoryFiles } from './promotion/memory-files.ts'
import { openBundleObserver } from './promotion/observe-bundles.ts'
import { openMainObserver } from './promotion/observe-main.ts'
import { openMainReader } from './promotion/read-main.ts'
import { openValuesRuns } from './promotion/values-runs.ts'
import { restoreTags } from './promotion/restore-tags.ts'
import type { Signer } from './promotion/sign.ts'
import { countGates, openTeller } from './promotion/told.ts'
import { reconcile, type Looked, type ReconcileDeps } from './reconcile.ts'
import { startWatch } from './watch.ts'

export type LoopDeps = {
  repository: Repository
  root: Root
  signer: Signer
  heartbeatSigner: Signer
  memory: MemoryFiles
  sandbox: Sandbox
  events: Events
  now: () => Date
  /** A clock that never goes back. */
  monotonicMs: () => number
  pollIntervalMs: number
  heartbeatIntervalMs: number
  heartbeatValidMs: number
  /** Called with each report that gates gave. */
  onReport?: (report: GateReport) => void
  /** After every look: what stands, or the fault that it ended with. */
  onLook?: (looked: Looked | Reason) => void
  /** What Runtimes reported of candidates; null while that is not known yet. */
  comparisons: ObserveDeps['comparisons']
}

export type LoopStatus = {
  status: 'ready' | 'degraded'
  reason_code?: Reason
  seq: number
  /** When `main` and `live` were last looked at without a fault. */
  lookedAt: Date
}

/** The controller without its HTTP side. */
export type Loop = {
  head: () => LedgerHead
  status: () => LoopStatus
  /** Answers when everything that can be decided now is decided and written. */
  reconcileNow: () => Promise<void>
  stop: () => Promise<void>
}

const TAGS_EVERY_MS = 10 * 60_000

/** Starts to follow `main`. Answers when `live` is verified, before anything is promoted. */
export async function startLoop(deps: LoopDeps): Promise<Loop> {
  const { repository, events, memory, now, monotonicMs } = deps
  await repository.refresh()
  const opened = await openLive(deps)
  let live = opened.live
  let lookedAt = now()
  let fault: Reason | null = null
  let tagFault: Reason | null = null
  let beating: Promise<void> = Promise.resolve()
  let telling: Promise<void> = Promise.resolve()
  let tagsDue = 0

  const gates = openGateRuns({
    ...deps,
    onStart: (bundle) => events.emit({ type: 'gates-started', bundle }),
    onVerdict: (bundle, report, ms) => {
      const { version, verdict } = report
      deps.onReport?.(report)
      events.emit({ type: 'gates-finished', bundle, version, verdict, ...countGates(report), ms })
      void watch.trigger()
    },
    onFault: (_bundle, error) => tellFault(error),
  })
  const values = openValuesRuns({
    ...deps,
    onVerdict: () => void watch.trigger(),
    onFault: (error) => void tellFault(error),
  })
  const tell = openTeller(repository, gates.reportOf)

  let failing = ''

  function tellFault(error: unknown): Reason {
    const reason_code = error instanceof Fault ? error.reason : 'INTERNAL'
    events.emit({ type: 'fault', reason_code, message: error instanceof Error ? error.message : String(error) })
    return reason_code
  }

  /** A fault that goes on is told once. */
  function failLook(error: unknown): void {
    const message = String(error)
    if (fault === null || message !== failing) fault = tellFault(error)
    deps.onLook?.(fault)
    failing = message
  }

  /** Somebody else's heartbeat that came first vouches as well as ours. */
  function tellUnlessLost(error: unknown): void {
    if (!(error instanceof Fault) || error.reason !== 'REF_CONFLICT') tellFault(error)
  }

  function beat(): Promise<void> {
    const { heartbeatSigner, heartbeatValidMs } = deps
    beating = beating
      .then(() => writeHeartbeat(repository, heartbeatSigner, live.head, now(), heartbeatValidMs))
      .catch(tellUnlessLost)
    return beating
  }

  function told({ head }: Live, { decisions }: Plan, ms: number): void {
    const { oid, seq, entry } = head
    telling = telling
      .then(async () => {
        const all = await tell(decisions)
        events.emit({ type: 'live', seq, oid, source: entry.source, ms, decisions: all })
      })
      .catch((error: unknown) => void tellFault(error))
  }

  function depsOf(since: number): ReconcileDeps {
    return {
      ...deps,
      main,
      line,
      bundles,
      values: values.verdictOf,
      want: gates.want,
      wantValues: values.want,
      reportOf: gates.reportOf,
      onEntry: (written, plan) => {
        live = written
        told(written, plan, Math.round(monotonicMs() - since))
        void beat()
      },
      onRestored: ({ head: { seq, oid } }) => events.emit({ type: 'restored', seq, oid }),
    }
  }

  async function checkTags(): Promise<void> {
    if (monotonicMs() < tagsDue) return
    tagsDue = monotonicMs() + TAGS_EVERY_MS
    try {
      const { conflicts } = await restoreTags(repository, live.head.state.seals)
      tagFault = null
      for (const conflict of conflicts) tagFault = tellFault(conflict)
    } catch (error) {
      tagFault = tellFault(error)
    }
  }

  async function look(since: number): Promise<void> {
    const before = live.head.oid
    const looked = await reconcile(depsOf(since), live)
    live = looked.live
    fault = null
    lookedAt = now()
    watch.wakeAt(looked.wakeAt)
    deps.onLook?.(looked)
    await checkTags()
    if (live.head.oid !== before) await remember(memory, live)
  }

  const main = openMainReader(repository)
  const line = openMainObserver(repository)
  const bundles = openBundleObserver(repository, gates)
  const watch = startWatch({ ...deps, look, onFault: failLook })
  const pulse = setInterval(() => void beat(), deps.heartbeatIntervalMs)
  if (opened.restored) events.emit({ type: 'restored', seq: live.head.seq, oid: live.head.oid })
  await beat()
  void watch.trigger()

  return {
    head: () => live.head,
    status: () => {
      const reason_code = fault ?? tagFault
      const { seq } = live.head
      return reason_code === null
        ? { status: 'ready', seq, lookedAt }
        : { status: 'degraded', reason_code, seq, lookedAt }
    },
    reconcileNow: watch.trigger,
    async stop() {
      clearInterval(pulse)
      await watch.stop()
      await Promise.all([values.stop(), gates.stop()])
      await beating
      await telling
    },
  }
}
