import { isAncestor } from '../../runtime/git/history.ts'
import type { Repository } from '../../runtime/git/repository.ts'
import { parseCommit } from '../../runtime/git/commit-object.ts'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { verifyAlone } from '../../runtime/trust/ledger-step.ts'
import { readChanges } from '../../runtime/trust/state.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import type { LedgerHead } from './head.ts'
import type { MemoryFiles } from './memory-files.ts'
import type { Standing } from './verdicts.ts'

/** `live` as this controller knows it. */
export type Live = {
  head: LedgerHead
  standing: Standing
}

export type LiveDeps = { repository: Repository; root: Root; memory: MemoryFiles }

/**
 * What the controller knew when it stopped, and everything that `live` got since. Without a memory `live` is verified
 * from the entry that the root pins.
 * @throws Fault as `verifyLedger`; `NOT_FOUND` where there is no `live` and nothing to restore it from.
 */
export async function openLive(deps: LiveDeps): Promise<{ live: Live; restored: boolean }> {
  const { repository, memory } = deps
  const known = await memory.readHead()
  if (known !== null) return followLive(deps, await remembered(deps, known))
  const tip = await repository.readRef(LIVE_REF)
  if (tip === null) {
    const message = `${repository.location} has no branch live. Make its root of trust with \`contractor root init\`.`
    throw new Fault('NOT_FOUND', message)
  }
  const live = await fromTheStart(deps, tip)
  await remember(memory, live)
  return { live, restored: false }
}

/**
 * Verifies what `live` got since `before`. A `live` that went back behind it, or is gone, is restored to it; one that
 * nobody with a key wrote goes back to the last head that verifies, so that a right to push is no right to halt.
 * @throws Fault as `verifyLedger` when keys signed what breaks the rules; nothing was written then.
 */
export async function followLive(deps: LiveDeps, before: Live): Promise<{ live: Live; restored: boolean }> {
  const { repository, root, memory } = deps
  const tip = await repository.readRef(LIVE_REF)
  if (tip === before.head.oid) return { live: before, restored: false }
  if (tip === null || (await isBehind(repository, tip, before.head))) {
    await repository.updateRefs([{ ref: LIVE_REF, old: tip, new: before.head.oid }])
    return { live: before, restored: true }
  }
  const live = { head: before.head, standing: new Map(before.standing) }
  let isFork = false
  const onStep = (step: LedgerHead) => {
    isFork ||= step.entry.prev !== live.head.entryDigest
    live.head = step
    applyEntry(live.standing, step)
  }
  const forged = await verifyLedger({ reader: repository, root, accepted: before.head, head: tip, onStep }).then(
    () => false,
    isUntrusted,
  )
  if (forged) await repository.updateRefs([{ ref: LIVE_REF, old: tip, new: live.head.oid }])
  // What the entries said that a new epoch left behind stands no more, and is judged and written again.
  if (isFork) live.standing = (await fromTheStart(deps, live.head.oid)).standing
  await remember(memory, live)
  return { live, restored: forged }
}

function isUntrusted(error: unknown): true {
  if (error instanceof Fault && error.reason === 'UNTRUSTED') return true
  throw error
}

export async function remember(memory: MemoryFiles, { head, standing }: Live): Promise<void> {
  await memory.writeHead(head)
  await memory.writeStanding(head.oid, [...standing.values()])
}

/** The head of a memory, and what stood there; the latter is read from the entries again where it was not kept. */
async function remembered({ repository, root, memory }: LiveDeps, oid: string): Promise<Live> {
  const raw = await repository.read(oid, 'commit')
  const kept = await memory.readStanding(oid)
  if (kept !== null) {
    const { changes: files, entry } = await readChanges(repository, null, parseCommit(raw).tree)
    const head = verifyAlone(root, { oid, raw, entry, files })
    return { head, standing: new Map(kept.map((decision) => [decision.subject, decision])) }
  }
  return fromTheStart({ repository, root }, oid)
}

/** A head, and what stands there, verified from the entry that the root pins. */
async function fromTheStart({ repository: reader, root }: Pick<LiveDeps, 'repository' | 'root'>, oid: string) {
  const standing = new Map<string, Decision>()
  const onStep = (step: LedgerHead) => applyEntry(standing, step)
  const head = await verifyLedger({ reader, root, accepted: null, head: oid, onStep })
  return { head, standing }
}

/** Whether a head that is not ours is one that ours descends from. Signed commits say their seq; others are not ours. */
async function isBehind(repository: Repository, tip: string, head: LedgerHead): Promise<boolean> {
  const raw = await repository.read(tip, 'commit')
  const seq = Number(/^Seq: (\d{1,15})$/m.exec(raw.toString('latin1'))?.[1] ?? Infinity)
  return seq < head.seq && isAncestor(repository, tip, head.oid)
}

function applyEntry(standing: Map<string, Decision>, { entry }: LedgerHead): void {
  for (const decision of entry.decisions) {
    if (decision.decision === 'allow') standing.delete(decision.subject)
    else standing.set(decision.subject, decision)
  }
}
