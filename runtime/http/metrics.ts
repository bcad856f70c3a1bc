import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Reason } from '../../schemas/reasons.ts'
import type { ShadowOutcome } from '../shadow/shadow.ts'
import type { AuditStatus } from '../audit/log.ts'
import type { StoreStatus } from '../limits/limit-store.ts'
import type { ActionName } from './actions.ts'

/** What an action is called where none was found. */
export type MetricAction = ActionName | 'unknown'

export type RequestFigures = {
  action: MetricAction
  method: string
  status: number
  decision: 'allow' | 'deny'
  reason: Reason
  seconds: number
}

/** Since the start of the process; `governed` went through `current` and has a durable record. */
export type Executions = { governed: number; all: number }

export type Metrics = {
  observe(request: RequestFigures): void
  executed(tenant: string, isGoverned: boolean): void
  /** A candidate that was compared, or was not for want of room or time. */
  compared(tenant: string, outcome: ShadowOutcome): void
  executions(): ReadonlyMap<string, Executions>
  /** Prometheus text format. */
  render(): Promise<string>
  /** For `renderTogether`. */
  figures(): Promise<object[]>
  contentType: string
}

export type MetricSources = {
  audit: () => AuditStatus
  /** `trouble` is why the last good state is kept; null while all is well. */
  ledger: () => { seq: number; ageS: number; trouble: Reason | null }
  limits?: () => StoreStatus
}

const RATIO = 'contractor_governed_execution_ratio'
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

type Tally = Omit<RequestFigures, 'seconds'> & { count: number }

/** A counter that is filled when somebody asks, so that a request costs one look into a map. */
function tallyCounter(
  registry: Registry,
  tallies: ReadonlyMap<string, Tally>,
  counter: { name: string; help: string; labels: (tally: Tally) => Record<string, string> },
  labelNames: string[],
): void {
  const made = new Counter({
    name: counter.name,
    help: counter.help,
    labelNames,
    registers: [registry],
    collect() {
      made.reset()
      for (const tally of tallies.values()) made.inc(counter.labels(tally), tally.count)
    },
  })
}

/** @param aggregator what the same gauges of several workers make */
function gauge(
  registry: Registry,
  name: string,
  help: string,
  value: () => number,
  aggregator: 'sum' | 'min' | 'max' = 'sum',
): void {
  const made = new Gauge({
    name,
    help,
    aggregator,
    registers: [registry],
    collect() {
      made.set(value())
    },
  })
}

function limitGauges(registry: Registry, status: () => StoreStatus): void {
  const isHealthy = () => Number(status().healthy)
  gauge(registry, 'contractor_limits_store_healthy', '1 while the counters of limits are reached.', isHealthy, 'min')
  const isAlone = () => Number(status().fallback)
  gauge(registry, 'contractor_limits_fallback', '1 while processes count limits each for itself.', isAlone, 'max')
  const failures = () => status().failures
  gauge(registry, 'contractor_limits_store_failures', 'Requests that the store of limits did not count.', failures)
}

/** A gauge of the share of executions that were governed, by tenant. */
function governedRatio(registry: Registry, executions: ReadonlyMap<string, Executions>): void {
  const ratio = new Gauge({
    name: RATIO,
    help: 'Share of executions through current bundles with passed gates and a durable audit record.',
    labelNames: ['tenant'],
    aggregator: 'omit',
    registers: [registry],
    collect() {
      for (const [tenant, { governed, all }] of executions) ratio.set({ tenant }, governed / all)
    },
  })
}

/** The figures of several processes as one text, in Prometheus' format; `executions` are those of all of them. */
export async function renderTogether(
  figures: readonly object[][],
  executions: ReadonlyMap<string, Executions>,
): Promise<string> {
  const together = AggregatorRegistry.aggregate(figures as never)
  const ratio = new Registry()
  governedRatio(ratio, executions)
  return `${await together.metrics()}\n${await ratio.metrics()}`
}

/** Figures of several processes as those of one. */
export async function addFigures(figures: readonly object[][]): Promise<object[]> {
  return AggregatorRegistry.aggregate(figures as never).getMetricsAsJSON()
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  const tallies = new Map<string, Tally>()
  const requests = {
    name: 'http_requests_total',
    help: 'Requests answered.',
    labels: ({ action, status, method }: Tally) => ({ action, status: String(status), method }),
  }
  tallyCounter(registry, tallies, requests, ['action', 'status', 'method'])
  const decisions = {
    name: 'gate_decisions_total',
    help: 'Decisions about requests.',
    labels: ({ action, decision, reason }: Tally) => ({ action, decision, reason_code: reason }),
  }
  tallyCounter(registry, tallies, decisions, ['action', 'decision', 'reason_code'])
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to its answer.',
    labelNames: ['action'],
    buckets: BUCKETS,
    registers: [registry],
  })
  gauge(registry, 'contractor_audit_records', 'Durable audit records.', () => sources.audit().size)
  gauge(
    registry,
    'contractor_audit_published_records',
    'Audit records under the last checkpoint.',
    () => sources.audit().published,
  )
  gauge(
    registry,
    'contractor_audit_queued_records',
    'Audit records that wait for the disk.',
    () => sources.audit().queued,
  )
  const isHealthy = () => Number(sources.audit().healthy)
  gauge(registry, 'contractor_audit_healthy', '1 while audit records can be made durable.', isHealthy, 'min')
  const copies = new Gauge({
    name: 'contractor_audit_copy_records',
    help: 'Audit records by what became of their copies.',
    labelNames: ['copy', 'state'],
    registers: [registry],
    collect() {
      for (const { name: copy, queued, delivered, dropped } of sources.audit().copies ?? []) {
        copies.set({ copy, state: 'queued' }, queued)
        copies.set({ copy, state: 'delivered' }, delivered)
        copies.set({ copy, state: 'dropped' }, dropped)
      }
    },
  })
  const wellCopies = new Gauge({
    name: 'contractor_audit_copy_healthy',
    help: '1 while a copy of audit records takes them.',
    labelNames: ['copy'],
    aggregator: 'min',
    registers: [registry],
    collect() {
      for (const { name: copy, healthy } of sources.audit().copies ?? []) wellCopies.set({ copy }, Number(healthy))
    },
  })
  const seq = () => sources.ledger().seq
  gauge(registry, 'contractor_ledger_seq', 'Sequence number of the accepted ledger.', seq, 'min')
  const ageS = () => sources.ledger().ageS
  gauge(registry, 'contractor_ledger_age_seconds', 'Age of what the controller last said.', ageS, 'max')
  const trouble = new Gauge({
    name: 'contractor_ledger_trouble',
    help: '1 for the reason why the last good state is kept; nothing while all is well.',
    labelNames: ['reason_code'],
    aggregator: 'max',
    registers: [registry],
    collect() {
      trouble.reset()
      const reason = sources.ledger().trouble
      if (reason !== null) trouble.set({ reason_code: reason }, 1)
    },
  })
  const { limits } = sources
  if (limits !== undefined) limitGauges(registry, limits)
  const executions = new Map<string, Executions>()
  governedRatio(registry, executions)
  const comparisons = new Counter({
    name: 'contractor_shadow_comparisons_total',
    help: 'Answers that the candidate was to be compared with; dropped where there was no room or time.',
    labelNames: ['tenant', 'outcome'],
    registers: [registry],
  })
  gauge(registry, 'process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())
  const observers = new Map<string, { observe(seconds: number): void }>()
  return {
    observe({ action, method, status, decision, reason, seconds }) {
      const key = `${action} ${method} ${status} ${reason}`
      const tally = tallies.get(key)
      if (tally === undefined) tallies.set(key, { action, method, status, decision, reason, count: 1 })
      else tally.count += 1
      let observer = observers.get(action)
      if (observer === undefined) {
        observer = duration.labels(action)
        observers.set(action, observer)
      }
      observer.observe(seconds)
    },
    executed(tenant, isGoverned) {
      const known = executions.get(tenant) ?? { governed: 0, all: 0 }
      executions.set(tenant, known)
      known.all += 1
      if (isGoverned) known.governed += 1
    },
    compared: (tenant, outcome) => comparisons.inc({ tenant, outcome }),
    executions: () => executions,
    render: () => registry.metrics(),
    figures: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  }
}
