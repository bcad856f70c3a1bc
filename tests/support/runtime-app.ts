import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDenials } from '../../runtime/audit/denials.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../runtime/audit/log.ts'
import { NO_WITNESS } from '../../runtime/audit/witness-reports.ts'
import { readEntries } from '../../runtime/audit/tile-files.ts'
import type { LoadedBundle } from '../../runtime/bundle/load.ts'
import type { Execution } from '../../runtime/engine/execute.ts'
import { createRuntimeApp } from '../../runtime/http/app.ts'
import type { RuntimeDeps } from '../../runtime/http/deps.ts'
import type { ActionMatrix } from '../../runtime/http/gate.ts'
import { createLimiter } from '../../runtime/http/limiter.ts'
import { createLog } from '../../runtime/http/log.ts'
import { createQuotas } from '../../runtime/http/quota.ts'
import { createMemoryStore } from '../../runtime/limits/memory-store.ts'
import { createMetrics } from '../../runtime/http/metrics.ts'
import { NO_SHADOW } from '../../runtime/shadow/shadow.ts'
import type { FollowStatus, Served, ServedTenant } from '../../runtime/tenants/table.ts'
import type { AliasState, TenantState } from '../../schemas/ledger/state.ts'
import type { KeyScope } from '../../schemas/registry/tenant.ts'

export const OPERATOR_KEY = 'operator-key-of-the-tests-0123456789'

/** Digest of the organisation's floor. */
export const FLOOR = `sha256:${'f'.repeat(64)}`

export function apiKey(tenant: string, id = 'k1', fill = 'a'): string {
  return `ctr_${tenant}_${id}_${fill.repeat(64)}`
}

export function storedKey(
  key: string,
  id: string,
  scopes: KeyScope[],
  more: { expires_at?: string; revoked?: boolean } = {},
) {
  return { id, sha256: createHash('sha256').update(key).digest('hex'), scopes, ...more }
}

export function aliasState(changes: Partial<AliasState> = {}): AliasState {
  return {
    bundle: 'faq',
    version: '1.0.0',
    bundle_id: `b-${'1'.repeat(32)}`,
    digest: `sha256:${'2'.repeat(64)}`,
    tag: 'refs/tags/bundles/faq/1.0.0',
    seal: '3'.repeat(40),
    seq: 4,
    since: '2026-08-01T00:00:00Z',
    from: null,
    approvals: [],
    stack: [],
    ...changes,
  }
}

/** The part of a bundle that the HTTP side reads; what answers is the `execute` of the test. */
export function scriptedBundle(policies: object = {}): LoadedBundle {
  const known = {
    security: { allowed_intents: ['*'], max_input_chars: 1000, allowed_aliases: ['current', 'candidate'] },
    rate_limit: { execute: { per_minute: 6000, per_user_per_minute: 6000 } },
    redaction: { rules: [] },
  }
  return { policies: { ...known, ...policies } } as unknown as LoadedBundle
}

export function servedBundle(bundle = scriptedBundle(), state = aliasState()): Served {
  return { kind: 'bundle', bundle, state }
}

export function tenantState(changes: Partial<TenantState> = {}): TenantState {
  const tenant = changes.tenant ?? 'acme'
  return {
    tenant,
    status: 'active',
    labels: {},
    limits: {},
    quota: {},
    max_staleness: 'PT1H',
    keys: [storedKey(apiKey(tenant), 'k1', ['execute', 'execute:candidate'])],
    values: {},
    aliases: {},
    ...changes,
  }
}

export function servedTenant(changes: Partial<TenantState> = {}, aliases: ServedTenant['aliases'] = {}): ServedTenant {
  return {
    state: tenantState(changes),
    aliases: { current: servedBundle(), ...aliases },
    policies: FLOOR,
    values: null,
  }
}

export function anExecution(changes: Partial<Execution> = {}): Execution {
  return {
    outcome: 'answered',
    intent: 'card_arrival',
    routing: { score: 0.91, threshold: 0.4, matched: ['card'] },
    output: { answer: 'In 3 to 5 days.' },
    redacted: 0,
    steps: 1,
    ...changes,
  }
}

export type TestRuntime = {
  deps: RuntimeDeps
  app: ReturnType<typeof createRuntimeApp>
  /** Replaced as a whole, as a swap does. */
  tenants: Map<string, ServedTenant>
  clock: { nowMs: number; ageS: number; status: FollowStatus['status']; isDraining: boolean }
  log: string[]
  /** All durable records so far. */
  records(): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** A Runtime without a ledger: real audit log, limiter, metrics and log around scripted tenants. */
export async function testRuntime(changes: Partial<RuntimeDeps> = {}, matrix?: ActionMatrix): Promise<TestRuntime> {
  const dir = await mkdtemp(join(tmpdir(), 'runtime-app-'))
  const audit: AuditLog =
    changes.audit ??
    (await openAuditLog({ ...AUDIT_DEFAULTS, dir, registry: 'acme', node: 'node-1', onPublishError: () => undefined }))
  const tenants = new Map([['acme', servedTenant()]])
  const clock = { nowMs: 1_000_000, ageS: 1, status: 'ready' as FollowStatus['status'], isDraining: false }
  const lines: string[] = []
  const now = () => new Date(Date.UTC(2026, 7, 1) + clock.nowMs)
  const pending: Promise<unknown>[] = []
  const append = (record: Parameters<AuditLog['append']>[0]) =>
    void pending.push(audit.append(record).catch(() => undefined))
  const deps: RuntimeDeps = {
    tenants: {
      tenant: (name) => tenants.get(name) ?? null,
      tenants: () => tenants.values(),
      status: () => ({ status: clock.status, seq: 7, age_s: clock.ageS, policies: FLOOR }) as FollowStatus,
    },
    execute: () => anExecution(),
    audit,
    witness: NO_WITNESS,
    denials: createDenials({ append, now, node: 'node-1', runtimeVersion: '1.0.0' }),
    shadow: NO_SHADOW,
    limits: createMemoryStore({ limiter: createLimiter(() => clock.nowMs, 1000), quotas: createQuotas(), now }),
    metrics: createMetrics({
      audit: () => audit.status(),
      ledger: () => ({ seq: 7, ageS: 1, trouble: null }),
    }),
    log: createLog('debug', { write: (line: string) => void lines.push(line) }),
    settings: {
      node: 'node-1',
      runtimeVersion: '1.0.0',
      maxBodyBytes: 1_048_576,
      deadlineMs: 60_000,
      operatorKey: createHash('sha256').update(OPERATOR_KEY).digest(),
    },
    now,
    monotonicMs: () => clock.nowMs,
    isDraining: () => clock.isDraining,
    ...changes,
  }
  return {
    deps,
    app: createRuntimeApp(deps, matrix),
    tenants,
    clock,
    log: lines,
    async records() {
      await Promise.all(pending)
      await audit.publish()
      const { size } = audit.status()
      const found: Record<string, unknown>[] = []
      for (let at = 0; at < size; at += 256) {
        const entries = await readEntries(join(dir, 'tlog'), at / 256, Math.min(256, size - at))
        found.push(...entries.map((entry) => JSON.parse(entry.toString()) as Record<string, unknown>))
      }
      return found
    },
    async close() {
      await audit.close().catch(() => undefined)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** `POST /execute` as the tenant `acme` with a good key; headers of `undefined` are left out. */
export function ask(body: unknown, headers: Record<string, string | undefined> = {}): RequestInit {
  const all = { 'content-type': 'application/json', 'x-tenant-id': 'acme', 'x-api-key': apiKey('acme'), ...headers }
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return {
    method: 'POST',
    headers: Object.fromEntries(given),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
}
