import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import type { CopyStatus } from '../copies/copy.ts'
import { signCheckpoint, type Checkpoint } from './checkpoint.ts'
import { commitmentsOf, type Commitments } from './commitments.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import { makeDirectory } from '../git/durable-fs.ts'
import { lockFolder, type FolderLock } from './folder-lock.ts'
import { createGroupCommit } from './group-commit.ts'
import { createIdentity, readIdentity, type LogIdentity } from './identity.ts'
import { EMPTY_ROOT, rootAt } from './merkle.ts'
import { formatVerifier, verifierOf } from './note.ts'
import { createPublisher } from './publish.ts'
import { logFolders } from './read-log.ts'
import type { AuditRecord } from './record.ts'
import { recoverLog } from './recover.ts'
import { signShadowNote } from './shadow-note.ts'
import { createSegment, removeSegments, type Segment } from './segment-files.ts'
import { openTally, type LiveTally } from './tally.ts'
import { tileNodes } from './tile-files.ts'
import { extendEdge } from './tree.ts'

export type AuditLogOptions = {
  dir: string
  registry: string
  node: string
  worker: string
  /** The newest checkpoint of this log that somebody else keeps; the log must extend it. */
  anchor: Checkpoint | null
  maxQueued: number
  stallMs: number
  publishEveryMs: number
  publishEveryRecords: number
  /** Told when a checkpoint could not be written; it is tried again. */
  onPublishError: (error: unknown) => void
}

export const AUDIT_DEFAULTS = {
  worker: '0',
  anchor: null,
  maxQueued: 8192,
  stallMs: 2_000,
  publishEveryMs: 30_000,
  publishEveryRecords: 10_000,
} as const

export type AuditStatus = {
  origin: string
  size: number
  published: number
  healthy: boolean
  queued: number
  /** Where records are copied to; absent where they are not. */
  copies?: CopyStatus[]
}

export type AuditLog = {
  origin: string
  /** The verifier key of its checkpoints, in the form of C2SP signed-note. */
  verifier: string
  /** @returns the number of the record, once it is durable. @throws Fault `AUDIT_UNAVAILABLE` */
  append(record: AuditRecord): Promise<number>
  status(): AuditStatus
  isHealthy(): boolean
  commitments(tenant: string): Commitments
  /** Writes tiles and a signed checkpoint over all that is durable now. @returns the checkpoint note */
  publish(): Promise<string>
  /** Bytes of a torn tail that were cut off when it was opened. */
  tornBytes: number
  /** Calls that were begun and not ended when it was opened: their `begin` records, by number. */
  unfinished: ReadonlyMap<number, AuditRecord>
  /** Signed counts of the comparisons under a checkpoint of at most `size` records; null where there are none. */
  shadowNote(size: number): string | null
  close(): Promise<void>
}

/** What a process leaves that ended while it made the log: nothing was recorded yet. Beside it are the logs of workers. */
const BEFORE_THE_FIRST_RECORD =
  /^(lock|keys(\/.*)?|tlog(\/checkpoint(\.tmp)?)?|pending|log\.json\.tmp|worker-\d+(\/.*)?)$/

async function createLog(options: AuditLogOptions): Promise<LogIdentity> {
  const found = (await readdir(options.dir, { recursive: true })).filter((name) => !BEFORE_THE_FIRST_RECORD.test(name))
  if (found.length > 0) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${options.dir} has ${found.join(', ')} but no log.json; restore it, or name an empty folder`,
    )
  }
  const { identity, commit } = await createIdentity(options.dir, options)
  const note = signCheckpoint({ origin: identity.origin, size: 0, root: EMPTY_ROOT }, identity.signer)
  await replaceFile(join(options.dir, 'tlog', 'checkpoint'), note)
  await makeDirectory(join(options.dir, 'pending'))
  await syncFolder(join(options.dir, 'tlog'))
  await commit()
  return identity
}

async function checkAnchor(folder: string, anchor: Checkpoint, size: number): Promise<void> {
  if (size < anchor.size) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${folder} has ${size} records, and ${anchor.size} were anchored; restore it from a copy`,
    )
  }
  if (!(await rootAt(anchor.size, tileNodes(folder, size))).equals(anchor.root)) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${folder}: its first ${anchor.size} records are not those that were anchored; restore it from a copy`,
    )
  }
}

/**
 * Opens the log in `dir`, or makes it in an empty folder, and holds it for this process.
 * @throws Fault `AUDIT_BROKEN` when it is damaged, shorter than or different from its checkpoint or its anchor.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  await makeDirectory(options.dir, 0o700)
  const lock = await lockFolder(join(options.dir, 'lock'))
  try {
    return await openLocked(options, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function openLocked(options: AuditLogOptions, lock: FolderLock): Promise<AuditLog> {
  const { dir } = options
  const identity = (await readIdentity(dir)) ?? (await createLog(options))
  const { checkpoint, edge, tiles, bundles, tornBytes } = await recoverLog(dir, identity)
  const publisher = createPublisher({
    folder: join(dir, 'tlog'),
    identity,
    edge,
    tiles,
    bundles,
    published: checkpoint.size,
    onError: options.onPublishError,
  })
  let segment: Segment | null = null
  let isPublishing = false
  let tally: LiveTally | null = null

  async function currentSegment(size: number): Promise<Segment> {
    await publisher.room()
    if (segment !== null && publisher.published() <= segment.first) return segment
    const next = await createSegment(join(dir, 'pending'), size)
    await segment?.close()
    segment = next
    return next
  }

  const commit = createGroupCommit({
    size: edge.size,
    segment: currentSegment,
    onDurable(batch, records) {
      for (const [at, { record }] of records.entries()) tally?.add(edge.size + at, record)
      for (const { entry, leaf } of batch) publisher.add(extendEdge(edge, entry, leaf))
      if (!isPublishing && edge.size - publisher.published() >= options.publishEveryRecords) publishQuietly()
    },
    maxQueued: options.maxQueued,
    maxBatch: 4096,
    stallMs: options.stallMs,
  })

  async function publish(): Promise<string> {
    const note = await publisher.publish()
    await removeSegments(join(dir, 'pending'), publisher.published())
    await tally?.save(publisher.published())
    return note
  }

  /** One at a time: batches go on while it works, and each of them would be reason enough for another. */
  function publishQuietly(): void {
    isPublishing = true
    publish()
      .catch(options.onPublishError)
      .finally(() => (isPublishing = false))
  }

  if (edge.size > checkpoint.size) await publish()
  if (options.anchor !== null && options.anchor.origin === identity.origin) {
    await checkAnchor(join(dir, 'tlog'), options.anchor, edge.size)
  }
  const opened = await openTally(dir, logFolders(dir), { origin: identity.origin, size: edge.size })
  tally = opened.tally
  const timer = setInterval(publishQuietly, options.publishEveryMs)
  timer.unref()

  return {
    origin: identity.origin,
    verifier: formatVerifier(verifierOf(identity.signer)),
    append: (record) => commit.append(record),
    isHealthy: () => commit.isHealthy(),
    status: () => ({
      origin: identity.origin,
      size: commit.size(),
      published: publisher.published(),
      healthy: commit.isHealthy(),
      queued: commit.queued(),
    }),
    commitments: (tenant) => commitmentsOf(identity.secret, tenant),
    publish,
    tornBytes,
    unfinished: opened.unfinished,
    shadowNote(most) {
      const { size, shadow: counts } = opened.tally.saved()
      return counts.length === 0 || size > most
        ? null
        : signShadowNote({ origin: identity.origin, size, counts }, identity.signer)
    },
    async close() {
      clearInterval(timer)
      await commit.idle()
      await publish()
      await segment?.close()
      await lock.release()
    },
  }
}
