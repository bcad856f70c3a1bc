import { strictEqual } from 'node:assert/strict'
import { MAIN_REF } from '../../controller/promotion/read-main.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { openRepository } from '../../runtime/git/repository.ts'
import { LIVE_REF, verifyLedger, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import type { AliasState } from '../../schemas/ledger/state.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { eventually } from '../support/eventually.ts'
import { faultReason } from '../support/fault-reason.ts'
import { openTestRegistry } from '../support/test-registry.ts'
import type { Command } from './commands.ts'
import { moveLive, openEpoch, unapprovedEntry, unsignedCommit } from './real-attacks.ts'
import { BUNDLES, createFiles, NAMES, rulesYaml, tenantYaml, versionAt } from './real-files.ts'
import { contentOf, type Decision, type Held, type Live, type Rules, type World } from './rules.ts'

/** `live` as somebody verifies it who holds only the root, in the words of the model. */
export type Seen = Pick<Live, 'seq' | 'epoch' | 'candidate' | 'current' | 'status' | 'settingsSeq' | 'revoked'> & {
  /** What was decided in each entry since the last look. */
  entries: Decision[][]
}

/** The world of the model as a bare repository with real controllers on it. */
export type RealRegistry = {
  begins: { seq: number; settingsSeq: number }
  /** Does what the command says; `next` is what the model makes of `world` before any controller looks. */
  perform(command: Command, world: World, next: World): Promise<void>
  /** Every controller looks until there is nothing left to do. */
  settle(): Promise<void>
  look(isForged: boolean): Promise<Seen>
  close(): Promise<void>
}

const START_MS = Date.parse('2026-01-02T00:00:00Z')
const HOUR_MS = 3_600_000
const CONTROLLERS = ['first', 'second']

export async function openRealRegistry(rules: Rules, controllers: 1 | 2): Promise<RealRegistry> {
  const registry = await openTestRegistry(rulesYaml(rules))
  const { repository, root } = registry
  let hours = 0
  let signer = registry.signer
  let loops: RunningLoop[] = []
  const oids = new Map<number, string>()
  let accepted: VerifiedLedger | null = null

  const now = () => new Date(START_MS + hours * HOUR_MS)
  const oidOf = (commit: number) => oids.get(commit) ?? ''
  function top(): VerifiedLedger {
    if (accepted === null) throw new Error('nothing was looked at')
    return accepted
  }
  const filesOf = createFiles({ people: registry.people, state: () => top().state, oidOf })

  async function start(): Promise<void> {
    for (const name of CONTROLLERS.slice(0, controllers)) {
      const own = await openRepository(registry.location)
      const loop = await runLoop({ ...registry, repository: own, signer }, name, now())
      const close = async () => {
        await loop.stop()
        await own.close()
      }
      loops.push({ ...loop, stop: close })
    }
  }
  async function stop(): Promise<void> {
    await Promise.all(loops.splice(0).map((loop) => loop.stop()))
  }
  async function settle(): Promise<void> {
    await Promise.all(loops.map((loop) => loop.reconcileNow()))
    for (const loop of loops) await loop.reconcileNow()
  }
  async function verified(head: string): Promise<VerifiedLedger> {
    return verifyLedger({ reader: repository, root, accepted: null, head })
  }
  async function parentOfHead(): Promise<string> {
    return (await readCommit(repository, top().oid)).parents[0] ?? top().oid
  }

  async function commitTo(world: World, next: World): Promise<void> {
    const had = await filesOf(contentOf(world, world.tip))
    const has = await filesOf(contentOf(next, next.tip))
    const paths = [...new Set([...had.keys(), ...has.keys()])].filter((path) => had.get(path) !== has.get(path))
    const changes = Object.fromEntries(paths.map((path) => [path, has.get(path) ?? null]))
    oids.set(next.tip, await registry.commit(changes))
  }

  async function perform(command: Command, world: World, next: World): Promise<void> {
    switch (command.kind) {
      case 'pass':
        hours = next.now
        for (const loop of loops) loop.clock.now = now()
        return
      case 'rewrite':
      case 'restore': {
        const old = await repository.readRef(MAIN_REF)
        await repository.updateRefs([{ ref: MAIN_REF, old, new: oidOf(next.tip) }])
        return
      }
      case 'rewind':
        await moveLive(registry, await parentOfHead())
        return
      case 'graffiti':
        await moveLive(registry, await unsignedCommit(registry, top()))
        return
      case 'restart':
        await stop()
        await start()
        return
      case 'steal': {
        await stop()
        await moveLive(registry, await unapprovedEntry(registry, signer, top(), NAMES[2], now()))
        strictEqual(await faultReason(start), 'LEDGER_BROKEN')
        return
      }
      case 'recover': {
        await stop()
        const base = command.keep || world.before === null ? top().oid : await parentOfHead()
        signer = await openEpoch(registry, await verified(base), top().epoch + 1, now())
        await start()
        return
      }
      default:
        await commitTo(world, next)
    }
  }

  async function look(isForged: boolean): Promise<Seen> {
    const head = (await repository.readRef(LIVE_REF)) ?? ''
    const entries: Decision[][] = []
    const onStep = ({ entry }: VerifiedLedger) =>
      entries.push(
        entry.decisions.map(({ subject, decision, reason_code }) => ({ subject, decision, reason: reason_code })),
      )
    const verifying = () => verifyLedger({ reader: repository, root, accepted, head, onStep })
    if (isForged) strictEqual(await faultReason(verifying), 'LEDGER_BROKEN')
    else accepted = await verifying()
    const { seq, epoch, state } = top()
    const tenant = state.tenants.get('shop')
    return {
      seq,
      epoch,
      candidate: heldOf(tenant?.aliases.candidate),
      current: heldOf(tenant?.aliases.current),
      status: tenant?.status ?? 'suspended',
      settingsSeq: tenant?.seq ?? 0,
      revoked: state.revoked.map(({ digest }) => versionAt(digest)),
      entries,
    }
  }

  await start()
  await registry.commit({ ...BUNDLES[0], 'tenants/shop/tenant.yaml': tenantYaml('active') })
  for (const [at, files] of BUNDLES.entries()) {
    if (at > 0) await registry.commit(files)
    await eventually(
      async () => {
        await settle()
        return loops[0]?.head().state.seals.size
      },
      (seals) => seals === at + 1,
    )
  }
  oids.set(0, (await repository.readRef(MAIN_REF)) ?? '')
  const { seq, settingsSeq } = await look(false)

  return {
    begins: { seq, settingsSeq },
    perform,
    settle,
    look,
    async close() {
      await stop()
      await registry.close()
    },
  }
}

function heldOf(held: AliasState | undefined): Held | null {
  if (held === undefined) return null
  const stack = held.stack.map(({ digest, until }) => ({
    version: versionAt(digest),
    until: until === null ? null : hoursAt(until),
  }))
  return { version: versionAt(held.digest), seq: held.seq, since: hoursAt(held.since), stack }
}

const hoursAt = (time: string): number => (Date.parse(time) - START_MS) / HOUR_MS
