import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import type { ServedReport } from '../../schemas/http/fleet.ts'
import { coalesce } from '../tenants/coalesce.ts'
import { openCheckpoint } from './checkpoint.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import type { AuditLog } from './log.ts'
import { parseVerifier } from './note.ts'
import { proveConsistency } from './prove.ts'
import { logFolders, readCheckpointNote } from './read-log.ts'
import { WitnessRefusal, type WitnessClient } from './witness-client.ts'

/** What `/status` says of the witness. */
export type WitnessStatus = {
  /** `off` where none is configured; `refused` where the controller took the log for shorter or different. */
  status: 'off' | 'waiting' | 'anchored' | 'unreachable' | 'refused'
  /** Records under the last checkpoint that was cosigned. */
  size: number
  /** Seconds since then; null before the first. */
  age_s: number | null
  reason_code?: string
  message?: string
}

export type WitnessReports = {
  status(): WitnessStatus
  /** What is served changed: tells so soon, with the last checkpoint. */
  hint(): void
  /** A report that began after the call. Never rejects: what is wrong stands in `status`. */
  report(): Promise<void>
  stop(): Promise<void>
}

export const NO_WITNESS: Pick<WitnessReports, 'status'> = {
  status: () => ({ status: 'off', size: 0, age_s: null }),
}

export const REPORT_EVERY = { ms: 30_000, records: 10_000 } as const
const LOOK_MS = 1_000
const HINT_MS = 250

export type WitnessReportsDeps = {
  client: WitnessClient
  dir: string
  audit: AuditLog
  serves: () => ServedReport
  monotonicMs: () => number
  /** Told when what is wrong becomes another thing. */
  onTrouble: (error: Error) => void
}

/** Sends checkpoints to the witness every 30 s or 10,000 records, and keeps its last cosignature as `anchor`. */
export function startWitnessReports(deps: WitnessReportsDeps): WitnessReports {
  const { client, dir, audit, monotonicMs } = deps
  const folders = logFolders(dir)
  const verifier = parseVerifier(audit.verifier)
  let state: Pick<WitnessStatus, 'status' | 'reason_code' | 'message'> = { status: 'waiting' }
  /** Size that the witness saw last; null where it must be asked. */
  let seen: number | null = null
  let anchored = { size: 0, atMs: Number.NaN }
  let lastMs = -Infinity
  let lastSize = 0
  let isDue = false

  async function currentNote(): Promise<string> {
    const { size, published } = audit.status()
    const publish = isDue && published < size
    isDue = false
    return publish ? audit.publish() : readCheckpointNote(folders)
  }

  async function send(note: string): Promise<void> {
    const now = openCheckpoint(note, audit.origin, verifier)
    seen ??= (await client.seen(audit.verifier))?.size ?? 0
    // A log that is shorter than what was witnessed is reported as it is, for the controller to see.
    const old_size = Math.min(seen, now.size)
    const proof = (await proveConsistency(folders, old_size, now)).map((hash) => hash.toString('base64'))
    const shadow = audit.shadowNote(now.size)
    const answer = await client.report({
      ...(shadow !== null && { shadow }),
      checkpoint: note,
      verifier: audit.verifier,
      old_size,
      proof,
      serves: deps.serves(),
    })
    if (now.size > anchored.size) {
      await replaceFile(join(dir, 'anchor'), answer.checkpoint)
      await syncFolder(dir)
    }
    seen = now.size
    anchored = { size: now.size, atMs: monotonicMs() }
  }

  function fail(error: unknown): void {
    seen = null
    const cause = error instanceof Error ? error : new Error(String(error))
    const isRefused = error instanceof WitnessRefusal
    const reason_code = isRefused ? error.code : error instanceof Fault ? error.reason : 'REMOTE_UNAVAILABLE'
    const status = isRefused && error.code === 'AUDIT_BROKEN' ? 'refused' : 'unreachable'
    if (state.reason_code !== reason_code) deps.onTrouble(cause)
    state = { status, reason_code, message: cause.message }
  }

  const report = coalesce(async () => {
    lastMs = monotonicMs()
    try {
      const note = await currentNote()
      lastSize = audit.status().published
      try {
        await send(note)
      } catch (error) {
        if (!(error instanceof WitnessRefusal) || error.code !== 'CHECKPOINT_CONFLICT') throw error
        seen = null
        await send(note)
      }
      state = { status: 'anchored' }
    } catch (error) {
      fail(error)
    }
  })

  function look(): void {
    const isLate = monotonicMs() - lastMs >= REPORT_EVERY.ms
    if (!isLate && audit.status().size - lastSize < REPORT_EVERY.records) return
    isDue = true
    void report()
  }

  let hinted: NodeJS.Timeout | null = null
  const timer = setInterval(look, LOOK_MS)
  timer.unref()

  return {
    status: () => ({
      ...state,
      size: anchored.size,
      age_s: Number.isNaN(anchored.atMs) ? null : Math.round((monotonicMs() - anchored.atMs) / 100) / 10,
    }),
    hint() {
      hinted ??= setTimeout(() => {
        hinted = null
        void report()
      }, HINT_MS)
    },
    report() {
      isDue = true
      return report()
    },
    async stop() {
      clearInterval(timer)
      if (hinted !== null) clearTimeout(hinted)
      isDue = true
      await report()
    },
  }
}
