import { close, fdatasync, ftruncate, open as openFile, writeSync, writevSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '../../schemas/fault.ts'
import { syncFolder } from './durable-file.ts'

const openAsync = promisify(openFile)
const syncAsync = promisify(fdatasync)
const truncateAsync = promisify(ftruncate)
const closeAsync = promisify(close)

/** The file that batches are appended to. */
export type Segment = {
  /** Number of the first record. */
  first: number
  /** @throws what the system says, and nothing of them is left in the file; else Fault `AUDIT_BROKEN`. */
  write(frames: readonly Buffer[]): Promise<void>
  /** @throws what the system says; what a failed sync left on the disk is unknown, so that there is no second try. */
  sync(): Promise<void>
  close(): Promise<void>
}

function writeAll(fd: number, bytes: Buffer, from: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, from + at)
}

function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.seg`
}

/** Creates the segment that starts at record `first` below `folder`, durable when it returns. */
export async function createSegment(folder: string, first: number): Promise<Segment> {
  const fd = await openAsync(join(folder, segmentName(first)), 'w', 0o600)
  await syncFolder(folder)
  let end = 0
  return {
    first,
    async write(frames) {
      try {
        const total = frames.reduce((sum, frame) => sum + frame.length, 0)
        // Into memory of the system: a thread would cost more than the copy. What takes time is the sync.
        const written = writevSync(fd, frames, end)
        if (written < total) writeAll(fd, Buffer.concat(frames).subarray(written), end + written)
        end += total
      } catch (error) {
        await truncateAsync(fd, end).catch((cause: unknown) => {
          throw new Fault('AUDIT_BROKEN', 'a torn batch could not be cut off', { cause })
        })
        throw error
      }
    },
    sync: () => syncAsync(fd),
    close: () => closeAsync(fd),
  }
}

export type SegmentFile = { first: number; path: string }

/** The segments below `folder`, oldest first. */
export async function listSegments(folder: string): Promise<SegmentFile[]> {
  await mkdir(folder, { recursive: true })
  const names = (await readdir(folder)).filter((name) => /^\d{16}\.seg$/.test(name)).sort()
  return names.map((name) => ({ first: Number(name.slice(0, 16)), path: join(folder, name) }))
}

export function readSegmentFile(file: SegmentFile): Promise<Buffer> {
  return readFile(file.path)
}

export async function cutSegmentFile(file: SegmentFile, end: number): Promise<void> {
  await truncate(file.path, end)
}

/** Removes the segments all of whose records are before `size`. */
export async function removeSegments(folder: string, size: number): Promise<void> {
  const files = await listSegments(folder)
  for (const [at, file] of files.entries()) {
    const next = files[at + 1]
    if (next !== undefined && next.first <= size) await rm(file.path)
  }
}
