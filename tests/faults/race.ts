import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LIVE_REF, verifyLedger, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { openEpoch } from '../model/real-attacks.ts'
import { eventually } from '../support/eventually.ts'
import { runLoop } from '../support/running-loop.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'
import { startControllerProcess, type ControllerProcess } from './controller-process.ts'

const bundles = [tinyBundle('faq', '1.0.0'), tinyBundle('faq', '1.1.0')] as const
const versions = bundles.map((files, at) => ({ version: `1.${at}.0`, digest: digestOf('faq', files) }))
/** Longer than ten promotions take where it holds no lock. */
const LONGEST_STOP_MS = 4_000
const TENANTS = Array.from({ length: 8 }, (_, at) => `tenant-${at}`)

export type Race = {
  promotions: number
  /** How often one of the two is stopped in the middle of its work, and goes on after the other took over. */
  stops: number
}

export type Raced = {
  seconds: number
  /** Entries that each of the two wrote. */
  wrote: [number, number]
  violations: string[]
}

/** `npm run faults -- race [<promotions>]`. Answers how many promises did not hold. */
export async function runRace(promotions: number): Promise<number> {
  const { seconds, wrote, violations } = await race({ promotions, stops: Math.ceil(promotions / 25) })
  const woken = await wakeAfterTakeover()
  console.log('| promotions | entries of the first | of the second | seconds | violations |\n|---|---|---|---|---|')
  const all = [...violations, ...woken]
  console.log(`| ${promotions} | ${wrote[0]} | ${wrote[1]} | ${seconds.toFixed(1)} | ${all.length} |`)
  for (const violation of all) console.error(`  ${violation}`)
  return all.length
}

/** Two controllers in processes of their own, one registry, and a promotion per commit of `main`. */
export async function race({ promotions, stops }: Race): Promise<Raced> {
  const registry = await openTestRegistry()
  const running: ControllerProcess[] = []
  try {
    await sealBundles(registry)
    for (const name of ['first', 'second']) running.push(await startControllerProcess(registry, name))
    const began = performance.now()
    const stopping = stopNowAndThen(running, stops)
    await promoteInTurn(registry, promotions, (promotion) => stopping.at(promotion))
    await stopping.end()
    const seconds = (performance.now() - began) / 1000
    const wrote = running.map(({ events }) => events.filter(({ type }) => type === 'live').length) as [number, number]
    return { seconds, wrote, violations: await raceViolations(registry, promotions, running) }
  } finally {
    await Promise.all(running.map((each) => each.stop()))
    await registry.close()
  }
}

async function sealBundles(registry: TestRegistry): Promise<void> {
  await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
  const loop = await runLoop(registry)
  await registry.commit({
    ...bundles[0],
    ...Object.fromEntries(TENANTS.map((name) => [`tenants/${name}/tenant.yaml`, 'status: active\n'])),
  })
  await loop.decided({ subject: 'bundles/faq/1.0.0', reason_code: 'SEALED' })
  await registry.commit(bundles[1])
  await loop.decided({ subject: 'bundles/faq/1.1.0', reason_code: 'SEALED' })
  await loop.stop()
}

/** One commit each; a tenant's next one waits for the one before, so that none may be passed over. */
async function promoteInTurn(
  registry: TestRegistry,
  promotions: number,
  before: (promotion: number) => Promise<void>,
): Promise<void> {
  let live: VerifiedLedger | null = null
  const holds = async (tenant: string) => {
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    live = await verifyLedger({ reader: registry.repository, root: registry.root, accepted: live, head })
    return live.state.tenants.get(tenant)?.aliases.candidate?.digest
  }
  const wanted = new Map<string, string>()
  const settled = (tenant: string) =>
    eventually(
      () => holds(tenant),
      (digest) => digest === wanted.get(tenant),
      60_000,
    )
  for (let at = 0; at < promotions; at++) {
    const tenant = TENANTS[at % TENANTS.length] ?? ''
    const { version, digest } = versions[Math.floor(at / TENANTS.length) % 2] ?? { version: '', digest: '' }
    await settled(tenant)
    await before(at)
    wanted.set(tenant, digest)
    await registry.commit({ [`tenants/${tenant}/aliases/candidate.yaml`]: aliasFile('faq', version, digest) })
  }
  for (const tenant of wanted.keys()) await settled(tenant)
}

/** SIGSTOP for one of the two at moments that differ, SIGCONT when the other has written on. */
function stopNowAndThen(running: readonly ControllerProcess[], stops: number) {
  let stopped: { process: ControllerProcess; until: number } | null = null
  let left = stops
  const resume = () => {
    stopped?.process.child.kill('SIGCONT')
    stopped = null
  }
  return {
    async at(promotion: number): Promise<void> {
      if (stopped !== null && promotion >= stopped.until) resume()
      const process = running[left % 2]
      if (stopped !== null || left === 0 || process === undefined || promotion % 6 !== 5) return
      left -= 1
      await sleep((promotion * 7) % 23)
      process.child.kill('SIGSTOP')
      stopped = { process, until: promotion + 10 }
      // It may hold the lock of `live`, which nobody takes from a process that lives.
      setTimeout(() => process.child.kill('SIGCONT'), LONGEST_STOP_MS).unref()
    },
    async end(): Promise<void> {
      resume()
      await sleep(1_000)
    },
  }
}

async function raceViolations(
  { repository, root, location }: TestRegistry,
  promotions: number,
  running: readonly ControllerProcess[],
): Promise<string[]> {
  const violations: string[] = []
  const decisions: Decision[] = []
  const seqs: number[] = []
  await verifyLedger({
    reader: repository,
    root,
    accepted: null,
    head: (await repository.readRef(LIVE_REF)) ?? '',
    onStep: ({ seq, entry }) => {
      seqs.push(seq)
      decisions.push(...entry.decisions)
    },
  }).catch((error: unknown) => violations.push(`INV4: ${String(error)}`))
  if (seqs.some((seq, at) => seq !== at)) violations.push(`INV4: the seqs are not one after another: ${seqs.join()}`)
  const promoted = decisions.filter(({ subject, decision }) => subject.endsWith('/candidate') && decision === 'allow')
  if (promoted.length < promotions) violations.push(`INV3: ${promotions - promoted.length} promotions were lost`)
  if (promoted.length > promotions) violations.push(`INV3: ${promoted.length - promotions} promotions were doubled`)
  const told = running.flatMap(({ events }) => events.flatMap((event) => (event.type === 'live' ? [event.seq] : [])))
  if (new Set(told).size !== told.length) violations.push('INV3: both say that they wrote the same entry')
  for (const { events } of running)
    for (const event of events)
      // A stopped process may hold the lock of `live`: the other says that it could not write, and looks again.
      if (event.type === 'fault' && event.reason_code !== 'REF_CONFLICT')
        violations.push(`${event.reason_code}: ${event.message}`)
  await promisify(execFile)('git', ['-C', location, 'fsck', '--full', '--strict', '--no-dangling']).catch(
    (error: unknown) => violations.push(`INV1: ${String(error)}`),
  )
  return violations
}

/**
 * A controller that is stopped while the root opens a new epoch and another one goes on with the new key. Answers what
 * is wrong with what the old one does when it wakes up.
 */
export async function wakeAfterTakeover(): Promise<string[]> {
  const registry = await openTestRegistry()
  const { repository, root, folder } = registry
  const running: ControllerProcess[] = []
  const verified = async (accepted: VerifiedLedger | null) =>
    verifyLedger({ reader: repository, root, accepted, head: (await repository.readRef(LIVE_REF)) ?? '' })
  const promote = (tenant: string) =>
    registry.commit({
      [`tenants/${tenant}/aliases/candidate.yaml`]: aliasFile('faq', '1.0.0', versions[0]?.digest ?? ''),
    })
  const isPromoted = (tenant: string) =>
    eventually(
      () => verified(null),
      ({ state }) => state.tenants.get(tenant)?.aliases.candidate !== undefined,
    )
  try {
    await sealBundles(registry)
    const old = await startControllerProcess(registry, 'old')
    running.push(old)
    await promote('tenant-0')
    await isPromoted('tenant-0')
    await sleep(200)
    old.child.kill('SIGSTOP')
    const { seq } = await verified(null)
    await openEpoch(registry, await verified(null), 2, new Date())
    const taken = await startControllerProcess(registry, 'new', join(folder, 'controller-2'))
    running.push(taken)
    await promote('tenant-1')
    const before = await isPromoted('tenant-1')
    await taken.stop()
    await promote('tenant-2')
    old.child.kill('SIGCONT')
    await eventually(
      async () => old.events.some((event) => event.type === 'fault' && event.reason_code === 'UNTRUSTED'),
      (isTold) => isTold,
    )
    const after = await verified(before)
    const violations = after.oid === before.oid && after.epoch === 2 ? [] : ['the old controller moved live']
    const wrote = old.events.filter((event) => event.type === 'live' && event.seq > seq)
    return wrote.length === 0 ? violations : [...violations, 'the old controller says that it wrote']
  } finally {
    await Promise.all(running.map((each) => each.stop()))
    await registry.close()
  }
}
