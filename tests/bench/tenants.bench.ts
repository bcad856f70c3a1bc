import { createHash } from 'node:crypto'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SealRecord, TenantState } from '../../schemas/ledger/state.ts'
import { openFollowedRegistry, type FollowedRegistry } from '../support/followed-registry.ts'
import { RULES } from '../support/ledger-builder.ts'
import type { Looked } from './tenants-follower.ts'

const SIZES = [1_000, 10_000]
const PROMOTIONS = 15
const KIB = 1024

type Measured = { tenants: number; first: Looked; updates: Looked[] }

/** What an idle tenant holds of a Runtime's memory, and what one promotion costs among many tenants. */
export async function run(): Promise<string> {
  const measured: Measured[] = []
  for (const size of SIZES) measured.push(await measure(size))
  const [few, many] = measured as [Measured, Measured]
  const share = (of: (looked: Looked) => number) =>
    ((of(many.first) - of(few.first)) / (many.tenants - few.tenants) / KIB).toFixed(1)
  const rows = measured.map(({ tenants, first, updates }) => {
    const cells = [
      tenants,
      (first.heapBytes / KIB / KIB).toFixed(1),
      (first.rssBytes / KIB / KIB).toFixed(1),
      (first.cpuMs / 1000).toFixed(1),
      median(updates.map(({ cpuMs }) => cpuMs)).toFixed(1),
      median(updates.map(({ wallMs }) => wallMs)).toFixed(1),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    `Tenants with one key and one bundle under \`current\`; ${PROMOTIONS} promotions of one tenant each.`,
    '',
    '| tenants | heap MiB | RSS MiB | CPU s of the first look | CPU ms of a promotion p50 | ms of a promotion p50 |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    `An idle tenant holds ${share(({ heapBytes }) => heapBytes)} KiB of heap (${share(({ rssBytes }) => rssBytes)} KiB of RSS).`,
  ].join('\n')
}

async function measure(tenants: number): Promise<Measured> {
  const free = { candidate: { approvals: 0 }, current: { from: 'candidate', approvals: 0 } } as const
  const registry = await openFollowedRegistry({ ...RULES, promotion: free })
  const stateDir = await mkdtemp(join(tmpdir(), 'bench-tenants-'))
  const { ledger } = registry
  const names = Array.from({ length: tenants }, (_, index) => `tenant-${index}`)
  await promote(registry, await registry.seal('1.0.0'), names)
  const follower = fork(
    fileURLToPath(new URL('./tenants-follower.js', import.meta.url)),
    [JSON.stringify({ location: registry.location, root: ledger.root, stateDir })],
    { execArgv: ['--expose-gc'] },
  )
  try {
    await once(follower, 'message')
    const first = await looked(follower, registry, tenants)
    const next = await registry.seal('1.1.0')
    const updates: Looked[] = []
    for (const name of names.slice(0, PROMOTIONS)) {
      await promote(registry, next, [name])
      updates.push(await looked(follower, registry, tenants))
    }
    return { tenants, first, updates }
  } finally {
    const exit = once(follower, 'exit')
    follower.disconnect()
    await exit
    await registry.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

/** One entry that promotes all of them. */
async function promote(registry: FollowedRegistry, seal: SealRecord, names: readonly string[]): Promise<void> {
  const { ledger } = registry
  const taken = new Map<string, TenantState>()
  let change = {}
  for (const name of names) {
    const planned = await ledger.planPromotion(name, 'current', seal, [])
    for (const [tenant, state] of planned.tenants ?? []) if (state !== null) taken.set(tenant, withKey(state))
    change = planned
  }
  await ledger.write({ ...change, tenants: taken })
  await registry.publish()
}

function withKey(state: TenantState): TenantState {
  const sha256 = createHash('sha256').update(state.tenant).digest('hex')
  return { ...state, keys: [{ id: 'first', sha256, scopes: ['execute'] }], labels: { tier: 'standard', region: 'eu' } }
}

async function looked(follower: ChildProcess, { ledger, clock }: FollowedRegistry, tenants: number): Promise<Looked> {
  const answer = once(follower, 'message')
  follower.send(clock.now().getTime())
  const [found] = (await answer) as [Looked]
  if (found.seq !== ledger.head.seq || found.tenants !== tenants)
    throw new Error(`expected ${tenants} tenants at seq ${ledger.head.seq}, found ${found.tenants} at seq ${found.seq}`)
  return found
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
