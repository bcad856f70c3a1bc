import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { openLanes, type Lanes } from '../../controller/gates/lanes.ts'
import { openGateService, type GateService, type GateServiceDeps } from '../../controller/gate-service/gate-service.ts'
import { openRunBranch } from '../../controller/gate-service/run-branch.ts'
import { openRunFiles } from '../../controller/gate-service/run-files.ts'
import { gateRoutes } from '../../controller/http/gate-routes.ts'
import { faultOf, problemResponse } from '../../runtime/http/problem.ts'
import { keysEver } from '../../runtime/trust/keysets.ts'
import type { KeyScope } from '../../schemas/registry/tenant.ts'
import { runLoop, type RunningLoop } from './running-loop.ts'
import { sealingSandbox, type SealingSandbox } from './sealing-sandbox.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from './test-registry.ts'

const OPERATOR = 'operator-key-of-at-least-32-characters'
const secretOf = (tenant: string) => `ctr_${tenant}_main_${'ab'.repeat(32)}`

/** A controller's loop and its gate service over one registry; shop holds faq, bank holds loan and nobody holds ghost. */
export type GateServiceWorld = {
  registry: TestRegistry
  loop: RunningLoop
  /** What judges the runs that people ask for. */
  later: SealingSandbox
  service: () => GateService
  lanes: () => Lanes
  /** Stops the service as a crash would, and starts another on the same disk. */
  restart(): Promise<void>
  ask(who: string, body: object | string): Promise<Response>
  get(who: string, path: string): Promise<Response>
  faults: unknown[]
  close(): Promise<void>
}

export async function openGateServiceWorld(
  room: GateServiceDeps['room'] = { all: 4, each: 2 },
): Promise<GateServiceWorld> {
  const registry = await openTestRegistry()
  const loop = await runLoop(registry)
  for (const bundle of ['faq', 'loan', 'ghost']) await registry.commit(tinyBundle(bundle, '1.0.0'))
  await registry.commit({ ...tenantFiles('shop', 'faq', 'gates:run'), ...tenantFiles('bank', 'loan', 'gates:run') })
  await registry.commit({ ...tenantFiles('poor', 'faq', 'execute') })
  await loop.decided({ subject: 'poor/candidate', decision: 'allow' })
  const later = sealingSandbox()
  const faults: unknown[] = []

  async function start(): Promise<{ lanes: Lanes; service: GateService }> {
    const lanes = openLanes({ first: sealingSandbox(), openLater: () => later, room: 8 })
    const branch = openRunBranch({
      repository: registry.repository,
      signer: registry.signer,
      registry: 'acme',
      keys: () => keysEver(loop.head().state.keysets),
      now: () => new Date(),
    })
    const service = await openGateService({
      reader: registry.repository,
      later: lanes.later,
      branch,
      files: await openRunFiles(join(registry.folder, 'state', 'gate-runs')),
      now: () => new Date(),
      onFault: (error) => faults.push(error),
      room,
      noteAfterMs: 1,
    })
    return { lanes, service }
  }

  let running = await start()
  const routes = () =>
    gateRoutes({
      head: loop.head,
      now: () => new Date(),
      operatorKey: createHash('sha256').update(OPERATOR).digest(),
      reader: registry.repository,
      gateService: running.service,
    }).onError((error) => {
      if (faultOf(error).reason === 'INTERNAL') throw error
      return problemResponse(faultOf(error), 'test')
    })
  const headersOf = (who: string) =>
    who === 'operator' ? { 'X-Api-Key': OPERATOR } : { 'X-Tenant-Id': who, 'X-Api-Key': secretOf(who) }

  async function stop(): Promise<void> {
    await running.lanes.later.stop()
    await running.service.stop()
  }

  return {
    registry,
    loop,
    later,
    faults,
    service: () => running.service,
    lanes: () => running.lanes,
    async restart() {
      await stop()
      running = await start()
    },
    ask: async (who, body) =>
      routes().request('/v1/gates/runs', {
        method: 'POST',
        headers: { ...headersOf(who), 'Content-Type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: async (who, path) => routes().request(path, { headers: headersOf(who) }),
    async close() {
      await stop()
      await loop.stop()
      await registry.close()
    },
  }
}

function tenantFiles(name: string, bundle: string, scope: KeyScope) {
  const sha256 = createHash('sha256').update(secretOf(name)).digest('hex')
  return {
    [`tenants/${name}/tenant.yaml`]: 'status: active\n',
    [`tenants/${name}/keys.yaml`]: `keys:\n  - { id: main, sha256: ${sha256}, scopes: [${scope}] }\n`,
    [`tenants/${name}/aliases/candidate.yaml`]: aliasFile(
      bundle,
      '1.0.0',
      digestOf(bundle, tinyBundle(bundle, '1.0.0')),
    ),
  }
}
