import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeDirectory } from '../git/durable-fs.ts'

/** Makes a file survive a power cut that somebody else may have written. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes what stands in a folder survive a power cut. */
export const syncFolder = syncFile

export async function writeSynced(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  const file = await open(path, 'w', mode)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Writes beside, syncs, renames: readers see the old file or the new one. The folder is left to `syncFolder`. Files have
 * one writer, so that what a crash left beside is written over the next time.
 */
export async function replaceFile(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  await makeDirectory(dirname(path))
  const beside = `${path}.tmp`
  try {
    await writeSynced(beside, bytes, mode)
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}
