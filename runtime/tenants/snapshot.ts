import { constants } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { absentAsNull, makeDirectory, removeLeftovers, syncDirectory, writeDurably } from '../git/durable-fs.ts'
import { objectId } from '../git/object-reader.ts'
import { verifyAlone, type VerifiedLedger } from '../trust/ledger-step.ts'
import { sha256Hex } from '../trust/state-files.ts'
import type { FileChanges } from '../trust/state.ts'

/** One accepted head: its commit, its entry and the state files that differ from the record before. */
export type SnapshotRecord = {
  oid: string
  /** Body of the commit. */
  raw: Buffer
  entry: Buffer
  changes: FileChanges
}

export type Snapshot = {
  /** What was accepted last, verified again from the bytes on disk; null when nothing was. */
  loaded: VerifiedLedger | null
  /** Why what was on disk could not be used and was set aside. */
  damage: Fault | null
  /** Durable when it resolves. Must follow on what was loaded or recorded last; `null` changes begin anew. */
  record(record: SnapshotRecord): Promise<void>
}

type Line = { oid: string; genesis: string; raw: string; entry: string; files: [path: string, bytes: string | null][] }

const FILE_NAME = 'accepted.log'
const COMPACT_ABOVE_BYTES = 4 * 1024 * 1024

/**
 * The accepted head and its state in one append-only file of checked lines: one fsync for each head that is accepted,
 * and a Runtime that starts without Git. It is believed no more than Git is: signature, entry and state are verified
 * when it is read. A tail that a crash cut is dropped; it was never served.
 */
export async function openSnapshot(stateDir: string, root: Root, now: () => Date): Promise<Snapshot> {
  await makeDirectory(stateDir)
  await removeLeftovers(stateDir)
  const path = join(stateDir, FILE_NAME)
  const { lines, end } = await readLines(path)
  const { ledger: loaded, damage } = judge(lines, root)
  if (damage !== null) await setAside(path, now())
  /** What is whole of the file; what a failed write left behind it is cut off before the next. */
  let bytes = loaded === null ? 0 : end
  let bytesAtFirst = bytes

  return {
    loaded,
    damage,
    async record({ oid, raw, entry, changes }) {
      const line: Line = {
        oid,
        genesis: root.genesis,
        raw: raw.toString('base64'),
        entry: entry.toString('base64'),
        files: [...changes].map(([file, body]) => [file, body?.toString('base64') ?? null]),
      }
      if (bytes > COMPACT_ABOVE_BYTES && bytes > 2 * bytesAtFirst) {
        const files = applied(merged((await readLines(path)).lines), line)
        const text = formatLine({ ...line, files: [...files] })
        await writeDurably(path, text, 0o600)
        bytes = bytesAtFirst = text.length
      } else {
        const text = formatLine(line)
        await append(path, bytes, text)
        bytes += text.length
        if (bytesAtFirst === 0) bytesAtFirst = bytes
      }
    },
  }
}

function judge(lines: readonly Line[], root: Root): { ledger: VerifiedLedger | null; damage: Fault | null } {
  try {
    return { ledger: verifyLines(lines, root), damage: null }
  } catch (error) {
    if (error instanceof Fault) return { ledger: null, damage: error }
    throw error
  }
}

function verifyLines(lines: readonly Line[], root: Root): VerifiedLedger | null {
  const last = lines.at(-1)
  if (last === undefined) return null
  if (last.genesis !== root.genesis)
    throw new Fault('UNTRUSTED', `the stored ledger begins with ${last.genesis}, root.json names ${root.genesis}`)
  const files = new Map([...merged(lines)].map(([path, body]) => [path, Buffer.from(body, 'base64')]))
  const [raw, entry] = [Buffer.from(last.raw, 'base64'), Buffer.from(last.entry, 'base64')]
  if (objectId('commit', raw) !== last.oid) throw new Fault('OBJECT_CORRUPT', `the stored commit is not ${last.oid}`)
  return verifyAlone(root, { oid: last.oid, raw, entry, files })
}

/** Base64 of every file after all lines, by path. */
function merged(lines: readonly Line[]): Map<string, string> {
  return lines.reduce((files, line) => applied(files, line), new Map<string, string>())
}

function applied(files: Map<string, string>, { files: changes }: Line): Map<string, string> {
  for (const [path, body] of changes) {
    if (body === null) files.delete(path)
    else files.set(path, body)
  }
  return files
}

const formatLine = (line: Line): string => {
  const json = JSON.stringify(line)
  return `${sha256Hex(json)} ${json}\n`
}

/** The lines up to the first that is not whole, and where the last of them ends. */
async function readLines(path: string): Promise<{ lines: Line[]; end: number }> {
  const text = (await absentAsNull(readFile(path, 'latin1'))) ?? ''
  const lines: Line[] = []
  let end = 0
  for (let stop = text.indexOf('\n'); stop !== -1; stop = text.indexOf('\n', end)) {
    const json = text.slice(end + 65, stop)
    if (sha256Hex(json) !== text.slice(end, end + 64)) break
    lines.push(JSON.parse(json) as Line)
    end = stop + 1
  }
  return { lines, end }
}

async function append(path: string, at: number, text: string): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    await handle.truncate(at)
    await handle.write(text, at, 'latin1')
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (at === 0) await syncDirectory(dirname(path))
}

async function setAside(path: string, now: Date): Promise<void> {
  await absentAsNull(rename(path, `${path}.damaged-${now.getTime()}`))
}
