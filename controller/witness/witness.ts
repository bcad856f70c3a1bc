import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cosign, formatWitness } from '../../runtime/audit/cosignature.ts'
import { verifierOf, type NoteSigner } from '../../runtime/audit/note.ts'
import { absentAsNull, writeDurably } from '../../runtime/git/durable-fs.ts'
import type { Repository } from '../../runtime/git/repository.ts'
import { coalesce } from '../../runtime/tenants/coalesce.ts'
import { keysEver } from '../../runtime/trust/keysets.ts'
import { Fault } from '../../schemas/fault.ts'
import type { CheckpointReport, RuntimeView, ServedReport, Witnessed } from '../../schemas/http/fleet.ts'
import type { AliasEvidence } from '../gates/alias-gate.ts'
import type { LedgerHead } from '../promotion/head.ts'
import type { Signer } from '../promotion/sign.ts'
import { AUDIT_REF, readWitnessed, writeWitnessed } from './audit-branch.ts'
import { comparisonsIn, newerShadow } from './comparisons.ts'
import { checkpointOf, judgeCheckpoint, shadowOf, type WitnessedLog } from './judge-checkpoint.ts'

export type WitnessDeps = {
  repository: Repository
  /** Signs the commits of the branch `audit`. */
  signer: Signer
  /** Cosigns checkpoints. */
  key: NoteSigner
  stateDir: string
  head: () => LedgerHead
  now: () => Date
  monotonicMs: () => number
  /** Told once when a log is refused, and when the branch cannot be believed. */
  onFault: (fault: Fault) => void
  /** Told when more comparisons of candidates were witnessed. */
  onCompared: () => void
}

export type Witness = {
  /** The verifier key of its cosignatures. */
  verifier: string
  /** Takes a report; what it answers is committed. @throws Fault of `judgeCheckpoint`, `REQUEST_INVALID`, and those of Git */
  report(report: CheckpointReport, reporter: string): Promise<Witnessed>
  /** What was seen last of a log. */
  seen(origin: string): (Witnessed & { reporter: string }) | null
  runtimes(): RuntimeView[]
  /** What all Runtimes together reported of candidates, as the branch `audit` has it. */
  comparisons(): AliasEvidence['comparisons']
}

type Heard = { serves: ServedReport; heardMs: number; grewMs: number; trouble: RuntimeView['trouble'] }
type Waiting = { log: WitnessedLog; oldSize: number; resolve: () => void; reject: (error: unknown) => void }

/** Logs that are witnessed at most; a Runtime makes a new one only where its audit folder is empty. */
const MAX_LOGS = 4_096
const ATTEMPTS = 3

export async function openWitness(deps: WitnessDeps): Promise<Witness> {
  const { repository, key, head, now, monotonicMs } = deps
  const { registry } = head().state.registry.rules
  const verifier = formatWitness(verifierOf(key))
  const memory = join(deps.stateDir, 'audit-head')
  const heard = new Map<string, Heard>()
  /** Of each log when it was last heard of. */
  const sizes = new Map<string, number>()
  let waiting: Waiting[] = []
  /** The tip that `logs` stands for; null before there is one, or where the branch does not say what is known. */
  let tip: string | null = null
  let logs = new Map<string, WitnessedLog>()

  /** The larger of what the branch says and what is known. A branch that went back, or cannot be believed, forgets nothing. */
  async function adopt(oid: string | null): Promise<void> {
    tip = null
    if (oid === null) return
    const found = await believed(oid)
    if (found === null) return
    let isAhead = true
    const merged = new Map(found)
    for (const [origin, log] of logs) {
      const other = found.get(origin)
      const isKnown = (other?.size ?? -1) >= log.size && (other?.shadow?.size ?? -1) >= (log.shadow?.size ?? -1)
      if (isKnown) continue
      merged.set(origin, log)
      isAhead = false
    }
    logs = merged
    if (isAhead) tip = oid
  }

  async function believed(oid: string): Promise<Map<string, WitnessedLog> | null> {
    try {
      return await readWitnessed(repository, oid, keysEver(head().state.keysets))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const reason = error instanceof Fault ? error.reason : 'UNTRUSTED'
      deps.onFault(new Fault(reason, `${AUDIT_REF} at ${oid}: ${why}`, { cause: error }))
      return null
    }
  }

  async function write(batch: readonly Waiting[]): Promise<Waiting[]> {
    const parent = await repository.readRef(AUDIT_REF)
    if (parent !== tip) await adopt(parent)
    const isCurrent = ({ log, oldSize }: Waiting) => (logs.get(log.origin)?.size ?? 0) === oldSize
    const [written, late] = [batch.filter(isCurrent), batch.filter((one) => !isCurrent(one))]
    for (const { log, reject } of late)
      reject(new Fault('CHECKPOINT_CONFLICT', `${log.origin}: another controller witnessed it meanwhile`))
    const next = new Map(logs)
    for (const { log } of written) next.set(log.origin, log)
    const changed = tip === null ? next.values() : written.map(({ log }) => log)
    const place = { repository, signer: deps.signer, registry, now: now() }
    tip = await writeWitnessed(place, { parent, base: tip }, changed, verifier)
    logs = next
    await writeDurably(memory, `${tip}\n`, 0o600)
    return written
  }

  const flush = coalesce(async () => {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    for (let attempt = 1; ; attempt += 1) {
      try {
        const written = await write(batch)
        for (const { resolve } of written) resolve()
        if (written.some(({ log }) => log.shadow !== null)) deps.onCompared()
        return
      } catch (error) {
        if (attempt < ATTEMPTS && error instanceof Fault && error.reason === 'REF_CONFLICT') continue
        for (const { reject } of batch) reject(error)
        return
      }
    }
  })

  function answerOf({ origin, size, note }: WitnessedLog): Witnessed {
    return { origin, size, checkpoint: note, witness: verifier }
  }

  async function accept(report: CheckpointReport, reporter: string): Promise<WitnessedLog> {
    const checkpoint = checkpointOf(report, registry)
    const known =
      waiting.findLast(({ log }) => log.origin === checkpoint.origin)?.log ?? logs.get(checkpoint.origin) ?? null
    judgeCheckpoint(checkpoint, report, reporter, known)
    const shadow = newerShadow(shadowOf(report, checkpoint), known?.shadow ?? null)
    if (known?.size === checkpoint.size && known.shadow?.note === shadow?.note) return known
    if (known === null && logs.size + waiting.length >= MAX_LOGS)
      throw new Fault('QUOTA_EXCEEDED', `${MAX_LOGS} logs are witnessed already`)
    const note = cosign(report.checkpoint, key, Math.floor(now().getTime() / 1000))
    const log = { ...checkpoint, verifier: report.verifier, reporter, note, shadow }
    await new Promise<void>((resolve, reject) => {
      waiting.push({ log, oldSize: known?.size ?? 0, resolve, reject })
      void flush()
    })
    return log
  }

  function hear(log: WitnessedLog, { serves }: CheckpointReport): void {
    const before = heard.get(log.origin)
    const at = monotonicMs()
    const hasGrown = before === undefined || log.size > (sizes.get(log.origin) ?? -1)
    sizes.set(log.origin, log.size)
    heard.set(log.origin, { serves, heardMs: at, grewMs: hasGrown ? at : before.grewMs, trouble: null })
  }

  function refuse(report: CheckpointReport, reporter: string, fault: Fault): void {
    const { origin } = checkpointOf(report, registry)
    if (logs.get(origin)?.reporter !== reporter) return
    const before = heard.get(origin)
    if (before?.trouble?.message !== fault.message) deps.onFault(fault)
    const at = monotonicMs()
    const trouble = { reason_code: fault.reason, message: fault.message, at: now().toISOString() }
    heard.set(origin, { serves: report.serves, heardMs: at, grewMs: before?.grewMs ?? at, trouble })
  }

  const remembered = (await absentAsNull(readFile(memory, 'utf8')))?.trim() ?? null
  if (remembered !== null) logs = (await believed(remembered)) ?? logs
  await adopt(await repository.readRef(AUDIT_REF))

  return {
    verifier,
    async report(report, reporter) {
      try {
        const log = await accept(report, reporter)
        hear(log, report)
        return answerOf(log)
      } catch (error) {
        if (error instanceof Fault && error.reason === 'AUDIT_BROKEN') refuse(report, reporter, error)
        throw error
      }
    },
    seen(origin) {
      const log = logs.get(origin)
      return log === undefined ? null : { ...answerOf(log), reporter: log.reporter }
    },
    runtimes() {
      const at = monotonicMs()
      const ageOf = (ms: number | undefined) => (ms === undefined ? null : Math.round((at - ms) / 100) / 10)
      return [...logs.values()]
        .map(({ origin, size, shadow }): RuntimeView => {
          const known = heard.get(origin)
          return {
            origin,
            node: origin.split('/')[1] ?? '',
            size,
            age_s: ageOf(known?.heardMs),
            checkpoint_age_s: ageOf(known?.grewMs),
            serves: known?.serves ?? null,
            shadow: shadow?.counts ?? [],
            trouble: known?.trouble ?? null,
          }
        })
        .sort((a, b) => (a.origin < b.origin ? -1 : 1))
    },
    comparisons: () => comparisonsIn(logs.values()),
  }
}
