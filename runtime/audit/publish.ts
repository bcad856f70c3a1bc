import { join } from 'node:path'
import { signCheckpoint } from './checkpoint.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import type { LogIdentity } from './identity.ts'
import { removePartials, writeTileFiles } from './tile-files.ts'
import { entriesPath, formatEntries, tilePath, TILE_WIDTH } from './tiles.ts'
import { edgeRoot, partialTiles, type Edge, type FullBundle, type FullTile } from './tree.ts'

export type Filled = { tiles: FullTile[]; bundle: FullBundle | null }

export type Publisher = {
  add(filled: Filled): void
  /** How many records the last checkpoint covers. */
  published(): number
  /** Whether more waits for a disk that does not take it than memory should hold. */
  isFull(): boolean
  /** @returns the checkpoint note over all that was added */
  publish(): Promise<string>
}

/** Entry bundles that may wait in memory: 51,200 records. */
const MAX_WAITING_BUNDLES = 200

/** Writes tiles, then the checkpoint over them: readers never see a checkpoint whose tiles are not there. */
export function createPublisher(log: {
  folder: string
  identity: LogIdentity
  edge: Edge
  tiles: FullTile[]
  bundles: FullBundle[]
  published: number
}): Publisher {
  const { folder, identity, edge, tiles, bundles } = log
  let { published } = log
  let last: Promise<unknown> = Promise.resolve()

  async function run(): Promise<string> {
    const now: Edge = { size: edge.size, rows: edge.rows.map((row) => row.slice()), entries: edge.entries.slice() }
    const [tileCount, bundleCount] = [tiles.length, bundles.length]
    const files = new Map<string, Buffer>()
    for (const { tile, bytes } of tiles) files.set(tilePath(tile), bytes)
    for (const { index, bytes } of bundles) files.set(entriesPath(index, TILE_WIDTH), bytes)
    const full = [...files.keys()]
    for (const { tile, bytes } of partialTiles(now)) files.set(tilePath(tile), bytes)
    if (now.entries.length > 0) {
      const path = entriesPath(Math.floor(now.size / TILE_WIDTH), now.entries.length)
      files.set(path, formatEntries(now.entries))
    }
    const note = signCheckpoint({ origin: identity.origin, size: now.size, root: await edgeRoot(now) }, identity.signer)
    await writeTileFiles(folder, files)
    await replaceFile(join(folder, 'checkpoint'), note)
    await syncFolder(folder)
    tiles.splice(0, tileCount)
    bundles.splice(0, bundleCount)
    published = now.size
    for (const path of full) await removePartials(folder, path)
    return note
  }

  return {
    add(filled) {
      tiles.push(...filled.tiles)
      if (filled.bundle !== null) bundles.push(filled.bundle)
    },
    published: () => published,
    isFull: () => bundles.length > MAX_WAITING_BUNDLES,
    publish() {
      const next = last.then(run)
      last = next.catch(() => undefined)
      return next
    },
  }
}
