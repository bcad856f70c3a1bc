import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import * as fs from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const running = new Map<string, Promise<void>>()
const waiting = new Map<string, Promise<void>>()
const failed = new Map<string, unknown>()

/**
 * Makes the entries of a directory durable. Callers that ask while one fsync runs share the next one, so that a
 * hundred files renamed into one directory cost two fsyncs and not a hundred. A directory whose disk once failed stays
 * failed until the process is started again: the kernel reports such a loss only once.
 */
export function syncDirectory(directory: string): Promise<void> {
  const current = running.get(directory)
  if (current === undefined) return startSync(directory)
  const next =
    waiting.get(directory) ??
    current
      .catch(() => undefined)
      .then(() => {
        waiting.delete(directory)
        return startSync(directory)
      })
  waiting.set(directory, next)
  return next
}

function startSync(directory: string): Promise<void> {
  const sync = fsyncDirectory(directory).finally(() => {
    if (running.get(directory) === sync) running.delete(directory)
  })
  running.set(directory, sync)
  return sync
}

async function fsyncDirectory(directory: string): Promise<void> {
  if (failed.has(directory)) throw failed.get(directory)
  const handle = await fs.open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } catch (error) {
    if (isCode(error, 'EIO')) failed.set(directory, error)
    throw error
  } finally {
    await handle.close()
  }
}

const TEMPORARY = '.tmp-'

/** Writes a file that is on disk, whole, before it gets its name: temp → fsync → rename → fsync of the directory. */
export async function writeDurably(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  const temporary = join(
    dirname(path),
    `${TEMPORARY}${basename(path)}-${process.pid}-${randomBytes(6).toString('hex')}`,
  )
  await writeFileSynced(temporary, bytes, mode)
  await renameDurably(temporary, path)
}

/** Removes what `writeDurably` left in a folder of one process when that process ended in the middle of a write. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await fs.readdir(folder))
    if (name.startsWith(TEMPORARY)) await fs.rm(join(folder, name), { force: true })
}

/** Writes a new file and its bytes to disk, not yet its name; nothing is left behind on failure. */
export async function writeFileSynced(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  const handle = await fs.open(path, 'wx', mode)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await fs.rm(path, { force: true })
    throw error
  }
  await handle.close()
}

/** Moves a file that is already fsynced to its name, over what stands there; removes it when the move fails. */
export async function renameDurably(temporary: string, path: string): Promise<void> {
  try {
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes a directory and its missing parents, and makes their names durable. */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  const first = await fs.mkdir(path, { recursive: true, mode })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

export async function removeDurably(path: string): Promise<void> {
  await fs.rm(path, { force: true })
  await syncDirectory(dirname(path))
}

/** Removes what somebody left behind, as far as this process may. */
export function sweep(path: string): Promise<void> {
  return asFarAsAllowed(() => fs.rm(path, { recursive: true, force: true }))
}

/** Housekeeping that whoever only reads must not fail for. */
export async function asFarAsAllowed(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].some((code) => isCode(error, code))) throw error
  }
}

/** `null` only where nothing stands under that name; any other failure is thrown. */
export async function lstatOrNull(path: string): Promise<Stats | null> {
  return absentAsNull(fs.lstat(path))
}

/** Opens a file to read it, without following a link and without waiting for a pipe; `null` where there is none. */
export async function openPlain(path: string): Promise<FileHandle | 'link' | null> {
  try {
    return await fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isCode(error, 'ELOOP')) return 'link'
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null
    throw error
  }
}

/** Waits for a file operation; "no such file or directory" is `null`, any other failure is thrown. */
export async function absentAsNull<T>(operation: Promise<T>): Promise<T | null> {
  try {
    return await operation
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null
    throw error
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/**
 * The `fs` for isomorphic-git: as node's, except that a file which is written is durable and never seen half-written
 * (isomorphic-git itself writes in place and never syncs).
 */
export const durableFs = {
  promises: {
    readFile: fs.readFile,
    readdir: fs.readdir,
    stat: fs.stat,
    lstat: fs.lstat,
    readlink: fs.readlink,
    symlink: fs.symlink,
    chmod: fs.chmod,
    rm: fs.rm,
    rmdir: fs.rmdir,
    unlink: removeDurably,
    mkdir: fs.mkdir,
    writeFile: (path: string, bytes: Uint8Array | string) => writeDurably(path, bytes),
  },
}
