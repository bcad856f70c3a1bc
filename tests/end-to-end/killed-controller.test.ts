import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nothingCompared } from '../../controller/gates/shadow.ts'
import { LIVE_REF } from '../../runtime/trust/ledger.ts'
import { entriesFrom } from '../../controller/cli/log.ts'
import { openEvents } from '../../controller/events.ts'
import { openSandbox } from '../../controller/gates/sandbox.ts'
import { startLoop } from '../../controller/loop.ts'
import { openMemoryFiles } from '../../controller/promotion/memory-files.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { faqVersion } from '../support/chain.ts'
import { CONTRACTOR } from '../support/embedded.ts'
import { eventually } from '../support/eventually.ts'
import { seededNumbers } from '../support/seeded-numbers.ts'
import { mustRun } from '../support/shell.ts'
import { stockGit } from '../support/stock-repository.ts'
import { aliasFile, openTestRegistry, RULES, type TestRegistry } from '../support/test-registry.ts'

const KILLS = 20
const LONGEST_MS = 400
const TENANTS = ['a', 'b', 'c', 'd']
const versions = ['1.0.0', '1.1.0'].map((version) => ({ version, ...faqVersion(version) }))
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

describe(`a controller that gets SIGKILL at ${KILLS} random moments of a storm (SEED=${seed})`, () => {
  let registry: TestRegistry
  let child: ChildProcess | null = null
  let log = ''

  beforeAll(async () => {
    registry = await openTestRegistry(RULES.replace('approvals: 1', 'approvals: 0'))
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
    await sealVersions(registry)
  })
  afterAll(async () => {
    child?.kill('SIGKILL')
    await registry.close()
  })

  function start(): ChildProcess {
    const { folder, location } = registry
    const settings = `--registry ${location} --trust ${folder}/root.json --keys ${folder} --state ${folder}/state`
    const args = [CONTRACTOR, 'controller', '--json', '--port', '0', '--poll', '50', ...settings.split(' ')]
    const started = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [started.stdout, started.stderr])
      stream?.on('data', (chunk: Buffer) => (log += chunk.toString()))
    return started
  }

  /** Moves `candidate` and `current` of a tenant to the version that it does not want now. */
  async function flip(count: number): Promise<void> {
    const tenant = TENANTS[count % TENANTS.length]!
    const { version, digest } = versions[Math.floor(count / TENANTS.length) % 2]!
    const file = aliasFile('faq', version, digest)
    await registry.commit({
      [`tenants/${tenant}/aliases/candidate.yaml`]: file,
      [`tenants/${tenant}/aliases/current.yaml`]: file,
    })
  }

  async function decisions(): Promise<{ seq: number; source: string; decision: Decision }[]> {
    const found: { seq: number; source: string; decision: Decision }[] = []
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    for await (const { seq, source, decisions: made } of entriesFrom(registry.repository, head))
      found.unshift(...made.map((decision) => ({ seq, source, decision })))
    return found
  }

  it('leaves a clean repository, loses no promotion and doubles none', { timeout: 240_000 }, async () => {
    const below = seededNumbers(seed)
    const git = await stockGit(registry)
    let count = 0
    for (let kill = 0; kill < KILLS; kill++) {
      log = ''
      child = start()
      const exit = once(child, 'exit')
      // Every fourth dies while it starts.
      if (kill % 4 !== 3)
        await eventually(
          async () => log,
          (text) => text.includes('controller http'),
          30_000,
        )
      const ends = performance.now() + below(LONGEST_MS)
      while (performance.now() < ends) {
        await flip(count)
        count += 1
        await sleep(below(15))
      }
      child.kill('SIGKILL')
      await exit
      await git('fsck', '--strict')
    }

    log = ''
    child = start()
    await liveHoldsWhatMainNames(git)
    const made = await decisions()
    const held = new Map<string, string | null>()
    for (const { source, decision } of made) {
      const { subject, from, to } = decision
      if (!/\/(?:candidate|current)$/.test(subject)) continue
      expect(decision).toMatchObject({ decision: 'allow' })
      expect(from?.digest ?? null).toBe(held.get(subject) ?? null)
      expect(to?.digest).not.toBe(from?.digest)
      expect(await git('show', `${source}:tenants/${subject.replace('/', '/aliases/')}.yaml`)).toContain(to?.digest)
      held.set(subject, to?.digest ?? null)
    }
    expect(made.length).toBeGreaterThan(KILLS)
    child.kill('SIGTERM')
    await once(child, 'exit')
    await git('fsck', '--full', '--strict')
    expect(await verdictOfVerify(registry)).toMatchObject({ verdict: 'pass', seq: made.at(-1)?.seq, bundles: 2 })
  })

  /** Waits until `live` holds what the files of `main` name. */
  async function liveHoldsWhatMainNames(git: (...args: string[]) => Promise<string>): Promise<void> {
    for (const tenant of TENANTS) {
      for (const alias of ['candidate', 'current']) {
        const file = await git('show', `main:tenants/${tenant}/aliases/${alias}.yaml`)
        const digest = /sha256:[0-9a-f]{64}/.exec(file)?.[0]
        await eventually(
          async () => (await decisions()).findLast(({ decision }) => decision.subject === `${tenant}/${alias}`),
          (last) => last?.decision.to?.digest === digest,
        )
      }
    }
  }
})

async function sealVersions(registry: TestRegistry): Promise<void> {
  const loop = await startLoop({
    ...registry,
    memory: await openMemoryFiles(join(registry.folder, 'state')),
    sandbox: openSandbox(),
    events: openEvents(() => new Date()),
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    pollIntervalMs: 60_000,
    heartbeatIntervalMs: 60_000,
    heartbeatValidMs: 600_000,
    comparisons: () => nothingCompared,
  })
  const tenants = TENANTS.map((tenant) => [`tenants/${tenant}/tenant.yaml`, 'status: active\n'])
  await registry.commit(Object.fromEntries(tenants) as Record<string, string>)
  for (const { version, files } of versions) {
    await registry.commit(files)
    await eventually(
      async () => {
        await loop.reconcileNow()
        return loop.head().state.seals.has(`faq/${version}`)
      },
      (sealed) => sealed,
    )
  }
  await loop.stop()
}

async function verdictOfVerify({ folder, location }: TestRegistry): Promise<unknown> {
  const env = { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8' }
  await mustRun(`git clone -q ${location} verified`, folder, env)
  const command = `${process.execPath} ${CONTRACTOR} verify --json --trust ../root.json`
  return JSON.parse(await mustRun(command, join(folder, 'verified'), env))
}
