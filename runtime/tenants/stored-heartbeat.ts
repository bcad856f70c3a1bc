import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { parseCommit } from '../git/commit-object.ts'
import { absentAsNull, writeDurably } from '../git/durable-fs.ts'
import { objectId, type ObjectReader, type ObjectType } from '../git/object-reader.ts'
import { entryAt } from '../git/tree-files.ts'
import { HEARTBEAT_PATH, readHeartbeat, type HeardIn, type VerifiedHeartbeat } from '../trust/heartbeat.ts'

const FILE_NAME = 'heartbeat.json'
const TYPES: ObjectType[] = ['commit', 'tree', 'blob']

/** The last heartbeat heard, as the Git objects that it is made of, so that it is verified again after a restart. */
export async function storeHeartbeat(stateDir: string, reader: ObjectReader, oid: string): Promise<void> {
  const commit = await reader.read(oid, 'commit')
  const { tree } = parseCommit(commit)
  const file = await entryAt(reader, tree, HEARTBEAT_PATH)
  if (file === null) throw new TypeError('unreachable: a heartbeat that was verified has no file')
  const bodies = [commit, await reader.read(tree, 'tree'), await reader.read(file.oid, 'blob')]
  const objects = bodies.map((body) => body.toString('base64'))
  await writeDurably(join(stateDir, FILE_NAME), JSON.stringify({ oid, objects }), 0o600)
}

/** The heartbeat on disk; null when there is none, or none that verifies. */
export async function storedHeartbeat(
  stateDir: string,
  registry: string,
  at: HeardIn,
): Promise<VerifiedHeartbeat | null> {
  const text = await absentAsNull(readFile(join(stateDir, FILE_NAME), 'utf8'))
  if (text === null) return null
  try {
    const { oid, objects } = JSON.parse(text) as { oid: string; objects: string[] }
    return await readHeartbeat(readerOf(objects.map((body) => Buffer.from(body, 'base64'))), registry, at, oid)
  } catch (error) {
    if (error instanceof Fault || error instanceof SyntaxError || error instanceof TypeError) return null
    throw error
  }
}

function readerOf(bodies: readonly Buffer[]): ObjectReader {
  const objects = new Map(bodies.map((body, at) => [objectId(TYPES[at] ?? 'blob', body), body]))
  return {
    async read(oid) {
      const body = objects.get(oid)
      if (body === undefined) throw new Fault('OBJECT_MISSING', `${oid} is not part of the stored heartbeat`)
      return body
    },
  }
}
