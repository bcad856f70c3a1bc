import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecuteResponse } from '../../schemas/http/execute.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { FAST, type WorkerWorld } from './running-workers.ts'
import { apiKey } from './runtime-app.ts'

export type Storm = {
  promotions: number
  /** From the first promotion to the last. */
  seconds: number
  answers: number
  /** Status codes other than 200, and requests without an answer. */
  failed: string[]
  /** Answers whose bundle, digest and text are not of one bundle. */
  mixed: string[]
  /** Versions that were answered from. */
  versions: Set<string>
  /** How often one client saw another bundle than in its answer before. */
  changes: number
}

const VERSIONS = ['2.0.0', '2.1.0', '2.2.0']

/**
 * Promotes at the rate that is asked for while clients ask without pause. The ledger is written beforehand, with the
 * functions of the library as a controller writes it, and `live` moves over it, so that what is under load is the Runtime.
 */
export async function storm(
  world: WorkerWorld,
  url: string,
  { promotions, withinMs, clients }: { promotions: number; withinMs: number; clients: number },
): Promise<Storm> {
  const { registry } = world
  const seals = new Map<string, SealRecord>()
  for (const version of VERSIONS) seals.set(version, await registry.seal(version, FAST))
  await registry.ledger.promote('retail', 'current', seals.get(VERSIONS[0]!)!)
  await world.publish()
  const over = new AbortController()
  const result: Storm = {
    promotions: 0,
    seconds: 0,
    answers: 0,
    failed: [],
    mixed: [],
    versions: new Set(),
    changes: 0,
  }

  function judge({ bundle, output, tenant }: ExecuteResponse): void {
    const { version, digest, bundle_id } = bundle
    const seal = seals.get(version)
    const text = `{"answer":"It takes three days, says ${version}."}`
    const isOne =
      version === '1.0.0' ||
      (seal?.digest === digest && seal.bundle_id === bundle_id && JSON.stringify(output) === text)
    if (!isOne || tenant !== 'retail') result.mixed.push(JSON.stringify({ bundle, output }))
    result.versions.add(version)
  }

  async function client(): Promise<void> {
    let last = ''
    const headers = {
      'content-type': 'application/json',
      'x-tenant-id': 'retail',
      'x-api-key': apiKey('retail'),
    }
    const body = JSON.stringify({ input: { question: 'when will my card arrive' } })
    while (!over.signal.aborted) {
      try {
        const response = await fetch(`${url}/execute`, { method: 'POST', headers, body })
        const answer = (await response.json()) as ExecuteResponse
        result.answers += 1
        if (response.status !== 200) result.failed.push(`${response.status} ${JSON.stringify(answer)}`)
        else {
          judge(answer)
          if (answer.bundle.version !== last) result.changes += 1
          last = answer.bundle.version
        }
      } catch (error) {
        result.failed.push(String(error))
      }
    }
  }

  const heads: string[] = []
  for (let turn = 1; turn <= promotions; turn += 1) {
    await registry.ledger.promote('retail', 'current', seals.get(VERSIONS[turn % VERSIONS.length]!)!)
    heads.push(registry.ledger.head.oid)
  }
  const asking = Array.from({ length: clients }, client)
  const from = performance.now()
  for (const head of heads) {
    await registry.setRef('refs/heads/live', head)
    result.promotions += 1
    const spare = from + (result.promotions * withinMs) / promotions - performance.now()
    if (spare > 0) await sleep(spare)
  }
  result.seconds = (performance.now() - from) / 1000
  await world.publish()
  over.abort()
  await Promise.all(asking)
  return result
}
