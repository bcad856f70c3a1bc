import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../../schemas/fault.ts'
import type { GateRun, GateRunPage } from '../../schemas/http/gate-run.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import type { LaterLane } from '../gates/lanes.ts'
import { formatReport, type GateReport } from '../gates/report.ts'
import { inputDigests, judgementId } from '../gates/report-inputs.ts'
import type { Sandbox } from '../gates/sandbox.ts'
import { judgeSource } from '../promotion/judge-source.ts'
import { historyPage, type HistoryQuery } from './history.ts'
import type { FinishedRun, RunBranch } from './run-branch.ts'
import { crashOf, finishedRun, newRun, promotionRun } from './run-records.ts'
import type { OpenRun, RunFiles } from './run-files.ts'
import { readSubject, type RunSubject } from './subject.ts'

export type GateService = {
  /**
   * The run of these inputs: the one that there is, or a new one, on disk before this answers. A failed one begins again.
   * @throws Fault `GATES_BUSY` where too many wait, `RATE_LIMITED` where too many of this asker do
   */
  ask(subject: RunSubject, askedBy: string): Promise<GateRun>
  /** Null where there is no such run. */
  find(id: string): Promise<GateRun | null>
  /** Runs without a verdict, in the order in which they were asked for. */
  open(): GateRun[]
  /** The bytes of a run's report. @throws Fault `OBJECT_CORRUPT` */
  report(digest: string): Promise<Buffer | null>
  /** Finished runs, newest first. @throws Fault `REQUEST_INVALID` */
  history(query: HistoryQuery, isVisible: (run: GateRun) => boolean): Promise<GateRunPage>
  /** Keeps what the gates found for a promotion; it is written when nothing else happens. */
  note(report: GateReport): void
  stop(): Promise<void>
}

export type GateServiceDeps = {
  reader: ObjectReader
  later: LaterLane
  branch: RunBranch
  files: RunFiles
  now: () => Date
  onFault: (error: unknown) => void
  /** Runs that may wait in all, and of one asker. */
  room: { all: number; each: number }
  /** What is noted is written together, after this. */
  noteAfterMs: number
}

const RETRY_AFTER_S = 10
const BUSY_PAUSE_MS = 1_000
/** Noted reports in memory while the branch cannot be written. */
const MAX_NOTED = 1_000

/** Runs of gates that people ask for: kept, one at a time, behind every promotion. */
export async function openGateService(deps: GateServiceDeps): Promise<GateService> {
  const { reader, later, branch, files, now, onFault, room, noteAfterMs } = deps
  const open = new Map<string, OpenRun>()
  for (const known of await files.list()) open.set(known.run.id, known)
  const noted = new Map<string, { run: FinishedRun; bytes: Buffer }>()
  let writing: Promise<void> = Promise.resolve()
  let noteTimer: NodeJS.Timeout | null = null
  let working: Promise<void> | null = null
  let stopped = false

  const isWaiting = ({ run }: OpenRun) => run.status === 'queued' || run.status === 'running'
  const waiting = () => [...open.values()].filter(isWaiting)

  async function finished(id: string): Promise<FinishedRun | null> {
    const found = noted.get(id)
    if (found !== undefined) return found.run
    const name = (await branch.names()).find((one) => one.id === id)
    return name === undefined ? null : branch.read(name)
  }

  function assertRoom(askedBy: string): void {
    const all = waiting()
    if (all.length >= room.all)
      throw new Fault('GATES_BUSY', `${room.all} gate runs wait already`, { retryAfterS: RETRY_AFTER_S })
    if (all.filter(({ run }) => run.asked_by === askedBy).length >= room.each)
      throw new Fault('RATE_LIMITED', `${room.each} gate runs of ${askedBy} wait already`, {
        retryAfterS: RETRY_AFTER_S,
      })
  }

  function write(runs: readonly FinishedRun[], reports: ReadonlyMap<string, Buffer>): Promise<void> {
    const written = writing.then(() => branch.write(runs, reports))
    writing = written.catch(() => {})
    return written
  }

  async function writeNoted(): Promise<void> {
    noteTimer = null
    const batch = new Map(noted)
    if (batch.size === 0) return
    try {
      for (const { id } of await branch.names()) if (batch.delete(id)) noted.delete(id)
      if (batch.size === 0) return
      const reports = new Map([...batch.values()].map(({ run, bytes }) => [run.report, bytes]))
      await write(
        [...batch.values()].map(({ run }) => run),
        reports,
      )
      for (const id of batch.keys()) noted.delete(id)
    } catch (error) {
      onFault(error)
    }
  }

  async function judge({ run, subject }: OpenRun, judgeWith: Sandbox['judge']): Promise<void> {
    const source = await readSubject(reader, subject)
    const { outcome, bytes, digest } = await judgeSource(reader, judgeWith, { ...subject, files: source })
    const crash = crashOf(outcome.report)
    if (crash !== null) throw new Fault(crash.code, crash.message)
    await write([finishedRun(run, outcome.report, digest, now())], new Map([[digest, bytes]]))
    await files.remove(run.id)
    open.delete(run.id)
  }

  async function work(): Promise<void> {
    const [entry] = waiting()
    if (entry === undefined || stopped) return
    try {
      await later.run((judgeWith) => {
        entry.run = { ...entry.run, status: 'running' }
        return judge(entry, judgeWith)
      })
    } catch (error) {
      const fault = error instanceof Fault ? error : new Fault('INTERNAL', 'a fault of the software', { cause: error })
      if (stopped || fault.reason === 'DRAINING') return
      if (fault.reason === 'GATES_BUSY') await pause(BUSY_PAUSE_MS)
      else await fail(entry, fault)
      if (fault.reason === 'INTERNAL') onFault(error)
    }
    await work()
  }

  async function fail(entry: OpenRun, { reason, message }: Fault): Promise<void> {
    entry.run = { ...entry.run, status: 'failed', reason_code: reason, message }
    const failed = [...open.values()].filter(({ run }) => run.status === 'failed')
    if (failed.length > room.all) open.delete(failed[0]!.run.id)
    try {
      await files.put(entry)
      if (failed.length > room.all) await files.remove(failed[0]!.run.id)
    } catch (error) {
      onFault(error)
    }
  }

  function begin(): void {
    if (stopped) return
    working ??= work().finally(() => {
      working = null
    })
  }

  begin()
  return {
    async ask(subject, askedBy) {
      const id = judgementId(inputDigests(subject))
      const done = await finished(id)
      if (done !== null) return done
      const known = open.get(id)
      if (known !== undefined && isWaiting(known)) return known.run
      assertRoom(askedBy)
      const entry = { run: newRun(id, subject, askedBy, now()), subject }
      open.delete(id)
      open.set(id, entry)
      try {
        await files.put(entry)
      } catch (error) {
        open.delete(id)
        throw error
      }
      begin()
      return entry.run
    },
    find: async (id) => open.get(id)?.run ?? finished(id),
    open: () => [...open.values()].map(({ run }) => run),
    async report(digest) {
      const fresh = [...noted.values()].find(({ run }) => run.report === digest)
      return fresh?.bytes ?? branch.report(digest)
    },
    history: (query, isVisible) => historyPage(branch, query, isVisible),
    note(report) {
      if (noted.size >= MAX_NOTED || crashOf(report) !== null) return
      const bytes = formatReport(report)
      const run = promotionRun(report, bytes, now())
      noted.set(run.id, { run, bytes })
      noteTimer ??= setTimeout(() => void writeNoted(), noteAfterMs).unref()
    },
    async stop() {
      stopped = true
      if (noteTimer !== null) clearTimeout(noteTimer)
      await working
      await writeNoted()
    },
  }
}
