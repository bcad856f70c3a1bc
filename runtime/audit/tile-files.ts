import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { syncFile, syncFolder, writeSynced } from './durable-file.ts'
import type { NodeReader } from './merkle.ts'
import { entriesPath, foldPair, parseEntries, splitTile, tileOfNode, tilePath, TILE_WIDTH, tileWidth } from './tiles.ts'

const IS_PARTIAL = /\.p\/\d+$/

/**
 * Writes files below `folder`, durable when it returns. They are written in place: nobody reads a tile before the
 * checkpoint over it, and after a crash it is written again. A partial one that did not change since a checkpoint (a tile
 * of a higher level keeps its width for long) is left as it is: a crash would tear what is needed. A full one is new.
 */
export async function writeTileFiles(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  const folders = new Set<string>()
  for (const path of files.keys()) for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at)
  for (const path of folders) await mkdir(join(folder, path), { recursive: true })
  await writeSome([...files], folder)
  for (const path of folders) await syncFolder(join(folder, path))
  await syncFolder(folder)
}

/** Two at a time: syncs that overlap share the work of the file system, and more would keep batches of records waiting. */
async function writeSome(files: [path: string, bytes: Buffer][], folder: string): Promise<void> {
  const lane = async () => {
    for (let next = files.pop(); next !== undefined; next = files.pop()) {
      const [path, bytes] = [join(folder, next[0]), next[1]]
      if (IS_PARTIAL.test(path) && (await readIfThere(path))?.equals(bytes) === true) await syncFile(path)
      else await writeSynced(path, bytes)
    }
  }
  await Promise.all([lane(), lane()])
}

/** Removes the partial tiles that a full tile at `path` has made superfluous. */
export async function removePartials(folder: string, path: string): Promise<void> {
  await rm(join(folder, `${path}.p`), { recursive: true, force: true })
}

/**
 * The partial tile of exactly this width first: a crash can have torn the full one while it was written, but not before
 * a checkpoint made the partial one superfluous.
 */
async function readWidest(folder: string, path: string, width: number): Promise<Buffer | null> {
  const exact = width === TILE_WIDTH ? null : await readIfThere(join(folder, `${path}.p`, String(width)))
  const bytes = exact ?? (await readIfThere(join(folder, path)))
  if (bytes !== null) return bytes
  const widths = await readdir(join(folder, `${path}.p`)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const enough = widths.map(Number).filter((found) => found >= width)
  return enough.length === 0 ? null : readIfThere(join(folder, `${path}.p`, String(Math.min(...enough))))
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** The first `width` hashes of a tile. @throws Fault `AUDIT_BROKEN` when the tile is missing or too short. */
export async function readTile(folder: string, level: number, index: number, width: number): Promise<Buffer[]> {
  const path = tilePath({ level, index, width: TILE_WIDTH })
  const bytes = await readWidest(folder, path, width)
  if (bytes === null || bytes.length < width * 32) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${join(folder, path)}: expected ${width} hashes; restore the audit folder from a copy`,
    )
  }
  return splitTile(bytes.subarray(0, width * 32))
}

/** The first `width` records of an entry bundle. @throws Fault `AUDIT_BROKEN` when it is missing or too short. */
export async function readEntries(folder: string, index: number, width: number): Promise<Buffer[]> {
  const path = entriesPath(index, TILE_WIDTH)
  const bytes = await readWidest(folder, path, width)
  const entries = bytes === null ? null : parseEntries(bytes)
  if (entries === null || entries.length < width) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${join(folder, path)}: expected ${width} records; restore it from the archive or a copy`,
    )
  }
  return entries.slice(0, width)
}

/** Reads nodes from the tiles that a log of `size` records has below `folder`; each tile is read once. */
export function tileNodes(folder: string, size: number): NodeReader {
  const tiles = new Map<string, Promise<Buffer[]>>()
  return async (node) => {
    const { level, index, from, to } = tileOfNode(node)
    const key = `${level}/${index}`
    let tile = tiles.get(key)
    if (tile === undefined) {
      tile = readTile(folder, level, index, tileWidth(level, index, size))
      tiles.set(key, tile)
    }
    return foldPair((await tile).slice(from, to))
  }
}
