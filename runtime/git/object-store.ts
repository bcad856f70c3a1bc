import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { OID } from '../../schemas/names.ts'
import { byteCache } from './byte-cache.ts'
import { absentAsNull, lstatOrNull } from './durable-fs.ts'
import { loosePath, readLoose } from './loose-objects.ts'
import { MAX_OBJECT_BYTES, objectId, type GitObject, type ObjectReader } from './object-reader.ts'
import { openPackFile, type PackFile } from './pack-file.ts'

const CACHE_BYTES = 16 * 1024 * 1024
/** How often a lookup starts again because packs came or went beneath it. */
const MAX_ATTEMPTS = 4

/** The objects of one repository on disk. */
export type ObjectStore = ObjectReader & {
  /** As `read`, of whatever type the object is. */
  readAny: (oid: string, maxBytes?: number) => Promise<GitObject>
  /** As `readAny`, but without looking for packs that came since; `null` where the object is absent or damaged. */
  known: (oid: string) => Promise<GitObject | null>
  /** Whether there is something under this id, by the word of an index or a file name. */
  holds: (oid: string) => Promise<boolean>
  /** Files in which damage was found since this was asked last. */
  takeDamaged: () => string[]
  /** Looks which packs there are now. */
  rescan: () => Promise<void>
  close: () => Promise<void>
}

type Packs = { files: PackFile[]; faults: Map<string, Fault> }

/** @param objects the `objects` directory of a repository. */
export function openObjectStore(objects: string): ObjectStore {
  const cache = byteCache(CACHE_BYTES)
  let packs: Promise<Packs> | null = null
  let names = ''
  const damaged = new Set<string>()
  let scanning: Promise<boolean> | null = null

  const rescan = (): Promise<boolean> => (scanning ??= scan().finally(() => (scanning = null)))
  const current = (): Promise<Packs> => packs ?? rescan().then(() => packs ?? { files: [], faults: new Map() })

  /** True when there are other packs than before. */
  async function scan(): Promise<boolean> {
    const found = (await absentAsNull(readdir(join(objects, 'pack')))) ?? []
    const there = found
      .filter((name) => name.endsWith('.pack') && found.includes(name.replace(/\.pack$/, '.idx')))
      .sort()
    const old = packs === null ? null : await packs
    if (old !== null && there.join() === names && old.faults.size === 0) return false
    const kept = new Map(old?.files.map((file) => [file.path, file]))
    const loaded: Packs = { files: [], faults: new Map() }
    for (const name of there) {
      const path = join(objects, 'pack', name)
      const open = kept.get(path)
      kept.delete(path)
      if (open !== undefined) loaded.files.push(open)
      else await load(path, loaded)
    }
    const changed = there.join() !== names || old === null
    names = there.join()
    packs = Promise.resolve(loaded)
    retire([...kept.values()])
    return changed
  }

  async function load(path: string, into: Packs): Promise<void> {
    try {
      const file = await openPackFile(path, cache)
      if (file !== null) into.files.push(file)
    } catch (error) {
      if (error instanceof Fault && error.reason === 'REPOSITORY_UNSAFE') throw error
      if (!(error instanceof Fault)) throw error
      into.faults.set(path, error)
      damaged.add(path)
    }
  }

  let reading = 0
  let retired: PackFile[] = []
  /** Packs that are gone are closed when nobody reads any more. */
  function retire(files: PackFile[]): void {
    retired.push(...files)
    if (reading > 0) return
    const closing = retired
    retired = []
    for (const file of closing) file.close().catch(() => undefined)
  }

  async function lookup(oid: string, maxBytes: number): Promise<GitObject | Fault | null> {
    const { files, faults } = await current()
    let fault: Fault | null = null
    const attempt = async (path: string, read: () => Promise<GitObject | null>): Promise<GitObject | null> => {
      try {
        const object = await read()
        if (object === null || objectId(object.type, object.body) === oid) return object
        fault ??= new Fault(
          'OBJECT_CORRUPT',
          `object ${oid}: a pack holds other content under this id; restore it from a clone`,
        )
      } catch (error) {
        if (!(error instanceof Fault) || error.reason !== 'OBJECT_CORRUPT') throw error
        fault ??= error
      }
      damaged.add(path)
      return null
    }
    for (const file of files) {
      const object = await attempt(file.path, () => file.read(oid, maxBytes))
      if (object !== null) return object
    }
    return (
      (await attempt(loosePath(objects, oid), () => readLoose(objects, oid, maxBytes))) ??
      fault ??
      faults.values().next().value ??
      null
    )
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    reading++
    try {
      return await work()
    } finally {
      reading--
      retire([])
    }
  }

  async function readAny(oid: string, maxBytes = MAX_OBJECT_BYTES): Promise<GitObject> {
    if (!OID.test(oid))
      throw new Fault('OBJECT_MISSING', `expected the id of an object, 40 hex digits, found ${JSON.stringify(oid)}`)
    return guarded(async () => {
      let found = await lookup(oid, maxBytes)
      for (let i = 1; i < MAX_ATTEMPTS && (found === null || found instanceof Fault); i++) {
        const changed = await rescan()
        found = await lookup(oid, maxBytes)
        if (!changed) break
      }
      if (found === null)
        throw new Fault('OBJECT_MISSING', `object ${oid} is not in ${objects}; fetch it, or restore it from a clone`)
      if (found instanceof Fault) throw found
      return found
    })
  }

  return {
    readAny,
    async read(oid, type, maxBytes) {
      const object = await readAny(oid, maxBytes)
      if (object.type === type) return object.body
      throw new Fault('OBJECT_CORRUPT', `object ${oid}: expected a ${type}, found a ${object.type}`)
    },
    known: (oid) =>
      guarded(async () => {
        const found = await lookup(oid, MAX_OBJECT_BYTES)
        return found instanceof Fault ? null : found
      }),
    async rescan() {
      await rescan()
    },
    async holds(oid) {
      const { files } = await current()
      return files.some((file) => file.holds(oid)) || (await lstatOrNull(loosePath(objects, oid))) !== null
    },
    takeDamaged() {
      const paths = [...damaged]
      damaged.clear()
      return paths
    },
    async close() {
      const { files } = packs === null ? { files: [] } : await packs
      packs = null
      names = ''
      await Promise.all([...files, ...retired.splice(0)].map((file) => file.close()))
    },
  }
}
