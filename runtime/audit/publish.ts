import { join } from 'node:path'
import { signCheckpoint } from './checkpoint.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import type { LogIdentity } from './identity.ts'
import { removePartials, writeTileFiles } from './tile-files.ts'
import { entriesPath, formatEntries, tilePath, TILE_WIDTH } from './tiles.ts'
import { edgeRoot, partialTiles, type Edge, type FullBundle, type FullTile } from './tree.ts'

export type Filled = { tiles: readonly FullTile[]; bundle: FullBundle | null }

export type Publisher = {
  add(filled: Filled): void
  /** How many records the last checkpoint covers. */
  published(): number
  /**
   * Resolves when memory may hold more: at once, or after tiles were written.
   * @throws what the system says when they cannot be written
   */
  room(): Promise<void>
  /** @returns the checkpoint note over all that was added */
  publish(): Promise<string>
}

/** Entry bundles that are written in one go. */
const CHUNK = 16
/** Entry bundles that may wait in memory: 51,200 records. */
const MAX_WAITING = 200

/** Writes tiles, then the checkpoint over them: readers never see a checkpoint whose tiles are not there. */
export function createPublisher(log: {
  folder: string
  identity: LogIdentity
  edge: Edge
  tiles: FullTile[]
  bundles: FullBundle[]
  published: number
  /** Told when full tiles could not be written; they are tried again. */
  onError: (error: unknown) => void
}): Publisher {
  const { folder, identity, edge, tiles, bundles } = log
  let { published } = log
  /** Full tiles whose partial forerunners no checkpoint needs any more once the next one is there. */
  const superseded = new Set<string>()
  let last: Promise<unknown> = Promise.resolve()
  let isWriting = false
  /** Who waits for the next chunk to be written. */
  let room: { resolve: () => void; reject: (error: unknown) => void }[] = []

  /** Files of the first full tiles and bundles that wait. They may be there before a checkpoint covers them. */
  function waiting(most: number): { files: Map<string, Buffer>; forget: () => void } {
    const [someTiles, someBundles] = [tiles.slice(0, most), bundles.slice(0, most)]
    const files = new Map<string, Buffer>()
    for (const { tile, bytes } of someTiles) files.set(tilePath(tile), bytes)
    for (const { index, bytes } of someBundles) files.set(entriesPath(index, TILE_WIDTH), bytes)
    const forget = () => {
      tiles.splice(0, someTiles.length)
      bundles.splice(0, someBundles.length)
    }
    return { files, forget }
  }

  async function writeChunk(): Promise<void> {
    const { files, forget } = waiting(CHUNK)
    const told = room
    room = []
    try {
      await writeTileFiles(folder, files)
    } catch (error) {
      for (const { reject } of told) reject(error)
      throw error
    }
    forget()
    for (const path of files.keys()) superseded.add(path)
    for (const { resolve } of told) resolve()
  }

  async function checkpoint(): Promise<string> {
    const now: Edge = { size: edge.size, rows: edge.rows.map((row) => row.slice()), entries: edge.entries.slice() }
    const partial = new Map(partialTiles(now).map(({ tile, bytes }) => [tilePath(tile), bytes]))
    if (now.entries.length > 0) {
      const path = entriesPath(Math.floor(now.size / TILE_WIDTH), now.entries.length)
      partial.set(path, formatEntries(now.entries))
    }
    for (let left = Math.max(tiles.length, bundles.length); left > 0; left -= CHUNK) await writeChunk()
    await writeTileFiles(folder, partial)
    const note = signCheckpoint({ origin: identity.origin, size: now.size, root: await edgeRoot(now) }, identity.signer)
    await replaceFile(join(folder, 'checkpoint'), note)
    await syncFolder(folder)
    published = now.size
    for (const path of superseded) await removePartials(folder, path)
    superseded.clear()
    return note
  }

  function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }

  /** Writes what is full as it comes, so that a checkpoint has little left to do. */
  function writeBehind(): void {
    if (isWriting || bundles.length < CHUNK) return
    isWriting = true
    inTurn(writeChunk)
      .then(() => {
        isWriting = false
        writeBehind()
      })
      .catch((error: unknown) => {
        isWriting = false
        log.onError(error)
      })
  }

  return {
    add(filled) {
      tiles.push(...filled.tiles)
      if (filled.bundle === null) return
      bundles.push(filled.bundle)
      writeBehind()
    },
    published: () => published,
    async room() {
      while (bundles.length > MAX_WAITING) {
        await new Promise<void>((resolve, reject) => {
          room.push({ resolve, reject })
          writeBehind()
        })
      }
    },
    publish: () => inTurn(checkpoint),
  }
}
