import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { parse, stringify } from 'yaml'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NO_SHADOW } from '../../runtime/shadow/shadow.ts'
import { createDenials } from '../../runtime/audit/denials.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../runtime/audit/log.ts'
import { NO_WITNESS } from '../../runtime/audit/witness-reports.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { loadBundle, type LoadedBundle } from '../../runtime/bundle/load.ts'
import { execute } from '../../runtime/engine/execute.ts'
import { createRuntimeApp } from '../../runtime/http/app.ts'
import { createLimiter } from '../../runtime/http/limiter.ts'
import { listen, SERVER_LIMITS } from '../../runtime/http/listen.ts'
import { createLog } from '../../runtime/http/log.ts'
import { createQuotas } from '../../runtime/http/quota.ts'
import { createMemoryStore } from '../../runtime/limits/memory-store.ts'
import { createMetrics } from '../../runtime/http/metrics.ts'
import type { FollowStatus } from '../../runtime/tenants/table.ts'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import type { Ontology } from '../../schemas/registry/ontology.ts'
import { aliasState, apiKey, servedTenant, storedKey } from '../support/runtime-app.ts'

/** What is measured: a bare echo, or the Runtime with its cache, without it, or without its audit log. */
export type Variant = 'echo' | 'cached' | 'cached, no audit' | 'uncached' | 'uncached, 159 intents'

function exampleBundle(variant: Variant): LoadedBundle {
  const folder = join(PACKAGE_ROOT, 'example-registry', 'bundles', 'retail-bank')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name))
  const source = new Map<string, Buffer>(paths.map((path) => [relative(folder, path), readFileSync(path)]))
  if (variant === 'uncached, 159 intents') source.set(ONTOLOGY, threeTimes(source.get(ONTOLOGY) ?? Buffer.alloc(0)))
  const bundle = loadBundle(compileBundle(source, 1).files)
  const { cache: _, ...policies } = bundle.policies
  const rate_limit = { execute: { per_minute: 1_000_000 } }
  const cache = { enabled: true, ttl_s: 3600, max_entries: 1000 }
  return { ...bundle, policies: { ...policies, rate_limit, ...(!variant.startsWith('uncached') && { cache }) } }
}

const ONTOLOGY = 'ontology/ontology.yaml'

/** Every intent twice more, as it is asked of an insurer and of a hospital: a third of the words are new. */
function threeTimes(bytes: Buffer): Buffer {
  const ontology = parse(bytes.toString()) as Ontology
  const others = ['insurer', 'hospital'].flatMap((place) =>
    ontology.intents
      .filter(({ name }) => name !== ontology.fallback)
      .map((intent) => ({
        ...intent,
        name: `${intent.name}_${place}`,
        utterances: intent.utterances.map((text, at) => `${text} ${at % 2 === 0 ? 'at' : 'says'} the ${place}`),
      })),
  )
  return Buffer.from(
    stringify({ ...ontology, intents: [...ontology.intents, ...others] }, { aliasDuplicateObjects: false }),
  )
}

async function startEcho(): Promise<number> {
  const app = new Hono().post('/execute', async (c) => c.json(await c.req.json<object>()))
  const answer = getRequestListener((request, env) => app.fetch(request, env))
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function startRuntime(variant: Variant): Promise<{ port: number; dir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-audit-'))
  const real = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'bench',
    node: 'bench',
    onPublishError: () => undefined,
  })
  const audit: AuditLog = variant === 'cached, no audit' ? { ...real, append: () => Promise.resolve(0) } : real
  const keys = [storedKey(apiKey('acme'), 'k1', ['execute'])]
  const bundle = exampleBundle(variant)
  const tenant = servedTenant({ keys }, { current: { kind: 'bundle', bundle, state: aliasState() } })
  const now = () => new Date()
  const status = { status: 'ready', seq: 1, age_s: 1, epoch: 1, head: null, policies: null } as FollowStatus
  const app = createRuntimeApp({
    tenants: { tenant: (name) => (name === 'acme' ? tenant : null), tenants: () => [tenant], status: () => status },
    execute,
    audit,
    witness: NO_WITNESS,
    denials: createDenials({ append: () => undefined, now, node: 'bench', runtimeVersion: '1.0.0' }),
    shadow: NO_SHADOW,
    limits: createMemoryStore({ limiter: createLimiter(() => performance.now(), 1000), quotas: createQuotas(), now }),
    metrics: createMetrics({
      audit: () => audit.status(),
      ledger: () => ({ seq: 1, ageS: 1, trouble: null }),
    }),
    log: createLog('info', process.stderr),
    settings: {
      node: 'bench',
      runtimeVersion: '1.0.0',
      maxBodyBytes: 1_048_576,
      deadlineMs: 60_000,
      operatorKey: createHash('sha256').digest(),
    },
    now,
    monotonicMs: () => performance.now(),
    isDraining: () => false,
  })
  const options = { host: '127.0.0.1', port: 0, limits: SERVER_LIMITS, isDraining: () => false }
  const { port } = await listen((request, env) => app.fetch(request, env), options)
  return { port, dir }
}

const variant = process.argv[2] as Variant
const started = variant === 'echo' ? { port: await startEcho() } : await startRuntime(variant)
process.on('message', () => process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }))
process.on('disconnect', () => process.exit(0))
process.send?.(started)
