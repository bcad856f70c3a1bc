import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { absentAsNull, isCode, makeDirectory, sweep, syncDirectory, writeFileSynced } from './durable-fs.ts'
import { deflate } from './inflate.ts'
import { loosePath } from './loose-objects.ts'
import { objectId, type ObjectType, type ObjectWriter } from './object-reader.ts'
import type { ObjectStore } from './object-store.ts'
import { IDENTITY, isGone, processIdentity } from './process-identity.ts'
import { turnstile } from './turnstile.ts'

/** Files that one repository writes at once. */
const MAX_OPEN = 16
const MAX_ATTEMPTS = 10
/** Git's own name for such files, which `git prune` removes when they are old. */
const PREFIX = 'tmp_obj_'

/**
 * Writes loose objects of one repository. An object that is there already is read and hashed first: a torn one is
 * replaced, a whole one is made durable (whoever wrote it may not have).
 */
export function openObjectWriter(objects: string, store: Pick<ObjectStore, 'known'>): ObjectWriter {
  const ready = new Map<string, Promise<void>>()
  /** The first of many writers into one directory makes it and its name durable; the others wait for that. */
  const directory = (path: string): Promise<void> => {
    const made = ready.get(path) ?? mkdir(path, { recursive: true }).then(() => syncDirectory(objects))
    ready.set(path, made)
    return made
  }
  const inTurn = turnstile(MAX_OPEN)
  /** False where the directory is gone: a `git gc` removes those that it emptied. */
  const moved = async (temporary: string, path: string): Promise<boolean> => {
    try {
      await directory(dirname(path))
      await rename(temporary, path)
      return true
    } catch (error) {
      ready.delete(dirname(path))
      if (isCode(error, 'ENOENT')) return false
      await rm(temporary, { force: true })
      throw error
    }
  }
  return { write: (type, body) => inTurn(() => write(type, body)) }

  async function write(type: ObjectType, body: Uint8Array): Promise<string> {
    const oid = objectId(type, body)
    const path = loosePath(objects, oid)
    if ((await store.known(oid)) !== null && (await makeDurable(path))) return oid
    const whole = await deflate(looseBytes(type, body))
    const temporary = join(objects, temporaryName())
    await writeFileSynced(temporary, whole, 0o444)
    for (let attempt = 1; !(await moved(temporary, path)); attempt++) {
      if (attempt === MAX_ATTEMPTS) {
        await rm(temporary, { force: true })
        throw new Fault('OBJECT_CORRUPT', `${dirname(path)}: somebody removes it again and again; look who does`)
      }
    }
    await syncDirectory(dirname(path))
    return oid
  }
}

/** A loose object before it is compressed. */
export function looseBytes(type: ObjectType, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body])
}

function temporaryName(): string {
  return `${PREFIX}${processIdentity()}_${randomBytes(6).toString('hex')}`
}

/** False when the disk lost what was written: then only another file can be trusted. Packs are durable already. */
async function makeDurable(path: string): Promise<boolean> {
  const handle = await absentAsNull(open(path, constants.O_RDONLY))
  if (handle === null) return true
  try {
    await handle.sync()
  } catch (error) {
    if (isCode(error, 'EIO')) return false
    throw error
  } finally {
    await handle.close()
  }
  await syncDirectory(dirname(path))
  return true
}

/** Moves a file of the same file system, already fsynced, to be the loose object `oid`. */
export async function adoptLooseObject(objects: string, oid: string, file: string): Promise<void> {
  const path = loosePath(objects, oid)
  await makeDirectory(dirname(path))
  await rename(file, path)
  await syncDirectory(dirname(path))
}

/** Removes what writers left behind that are gone; never the file of a live one. */
export async function sweepTemporaryObjects(objects: string): Promise<void> {
  const names = (await absentAsNull(readdir(objects))) ?? []
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    const identity = name.slice(PREFIX.length).split('_')[0] ?? ''
    const path = join(objects, name)
    const file = await absentAsNull(stat(path))
    if (file !== null && IDENTITY.test(identity) && isGone(identity, Date.now() - file.mtimeMs)) await sweep(path)
  }
}
