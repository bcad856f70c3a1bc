import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as git from 'isomorphic-git'
import { Fault } from '../../schemas/fault.ts'
import { durableFs, syncDirectory, writeFileSynced } from './durable-fs.ts'
import { openHttpClient, type HttpLimits } from './http-client.ts'
import { deflate } from './inflate.ts'
import { objectLinks } from './object-links.ts'
import { objectId, type GitObject } from './object-reader.ts'
import { openObjectStore, type ObjectStore } from './object-store.ts'
import { formatPackIndex } from './pack-index.ts'
import { verifyPack, type PackLimits } from './pack-verify.ts'
import { looseBytes } from './object-writer.ts'
import { uploadPackPlugin } from './upload-pack-plugin.ts'

/** What the process that fetches is told. It writes nowhere but below `scratch`. */
export type FetchJob = {
  url: string
  authorization: string | null
  /** Tips that the mirror lacks, and tips that it has. */
  wants: string[]
  haves: string[]
  /** The mirror's `objects`, read only. */
  objects: string
  scratch: string
  http: HttpLimits
  pack: PackLimits
}

/** What stands in `scratch` afterwards, all of it verified and durable. */
export type Fetched = { kind: 'loose'; waves: string[][] } | { kind: 'pack'; stem: string }

/** Smaller fetches become loose objects, as with git's `fetch.unpackLimit`: many small packs make every read slow. */
const UNPACK_OBJECTS = 100
const UNPACK_BYTES = 4 * 1024 * 1024

/** Fetches with isomorphic-git into `scratch`, verifies the pack, and leaves what the mirror may adopt. */
export async function runFetchJob(job: FetchJob): Promise<Fetched> {
  const mirror = openObjectStore(job.objects)
  try {
    const pack = await fetchPack(job, mirror)
    if (pack !== null) return await unpack(job, mirror, pack)
    await assertThere(mirror, new Set(), job.wants)
    return { kind: 'loose', waves: [] }
  } finally {
    await mirror.close()
  }
}

async function fetchPack(job: FetchJob, mirror: ObjectStore): Promise<Buffer | null> {
  const gitdir = join(job.scratch, 'git')
  await prepare(gitdir, job, mirror)
  const client = openHttpClient(new URL(job.url), job.authorization)
  let pack: Buffer | null = null
  try {
    await git.fetch({
      fs: takingPack((bytes) => (pack = bytes)),
      http: uploadPackPlugin(client, job.wants, job.http),
      gitdir,
      url: job.url,
      remote: 'origin',
      ref: 'want-0',
      remoteRef: 'refs/heads/want-0',
    })
  } catch (error) {
    if (error instanceof Fault) throw error
    if (pack === null)
      throw new Fault(
        'REMOTE_INVALID',
        `the answer of the Git server could not be read: ${String(error).slice(0, 200)}`,
        { cause: error },
      )
  } finally {
    client.close()
  }
  return pack
}

/** A repository that holds nothing but the tips that the mirror has, so that the server sends only what is new. */
async function prepare(gitdir: string, job: FetchJob, mirror: ObjectStore): Promise<void> {
  await mkdir(join(gitdir, 'objects/pack'), { recursive: true })
  await mkdir(join(gitdir, 'refs/heads'), { recursive: true })
  await writeFile(join(gitdir, 'HEAD'), 'ref: refs/heads/main\n')
  await writeFile(join(gitdir, 'config'), '[remote "origin"]\n\tfetch = +refs/heads/none:refs/remotes/origin/none\n')
  for (const [i, oid] of job.haves.entries()) {
    const { type, body } = await mirror.readAny(oid)
    await mkdir(join(gitdir, 'objects', oid.slice(0, 2)), { recursive: true })
    await writeFile(join(gitdir, 'objects', oid.slice(0, 2), oid.slice(2)), await deflate(looseBytes(type, body)))
    await writeFile(join(gitdir, `refs/heads/have-${i}`), `${oid}\n`)
  }
}

/**
 * An `fs` that takes the pack out of isomorphic-git's hands before it indexes it: its indexer has no limits, and follows
 * a delta onto itself for ever.
 */
function takingPack(take: (pack: Buffer) => void) {
  return {
    promises: {
      ...durableFs.promises,
      writeFile: async (path: string, bytes: Uint8Array | string) => {
        if (!path.endsWith('.pack')) return writeFile(path, bytes)
        take(Buffer.from(bytes))
        throw new Error('the pack was taken')
      },
    },
  }
}

async function unpack(job: FetchJob, mirror: ObjectStore, pack: Buffer): Promise<Fetched> {
  const links = new Set<string>()
  const linksOf = new Map<string, string[]>()
  const small = new Map<string, GitObject>()
  let bytes = 0
  const { entries, trailer } = verifyPack(pack, job.pack, (oid, object) => {
    const named = objectLinks(object.type, object.body)
    for (const link of named) links.add(link)
    bytes += object.body.length
    if (small.size < UNPACK_OBJECTS && bytes <= UNPACK_BYTES) {
      small.set(oid, object)
      linksOf.set(oid, [...named])
    }
  })
  const oids = new Set(entries.map(({ oid }) => oid))
  await assertThere(mirror, oids, job.wants)
  await assertThere(mirror, oids, links)
  if (small.size === entries.length) {
    await Promise.all([...small].map(([oid, object]) => writeLoose(job.scratch, oid, object)))
    return { kind: 'loose', waves: wavesOf(linksOf) }
  }
  const stem = `pack-${trailer.toString('hex')}`
  await writeFileSynced(join(job.scratch, `${stem}.pack`), pack, 0o444)
  await writeFileSynced(join(job.scratch, `${stem}.idx`), formatPackIndex(entries, trailer), 0o444)
  await syncDirectory(job.scratch)
  return { kind: 'pack', stem }
}

/** Objects in the order in which they may be adopted: each wave names only what came before it. */
function wavesOf(linksOf: ReadonlyMap<string, readonly string[]>): string[][] {
  const depths = new Map<string, number>()
  const depthOf = (oid: string): number => {
    const known = depths.get(oid)
    if (known !== undefined) return known
    const below = (linksOf.get(oid) ?? []).filter((link) => linksOf.has(link)).map(depthOf)
    const depth = Math.max(-1, ...below) + 1
    depths.set(oid, depth)
    return depth
  }
  const waves: string[][] = []
  for (const oid of linksOf.keys()) (waves[depthOf(oid)] ??= []).push(oid)
  return waves
}

/** What was adopted before is whole: so is everything, when each object finds what it names here or there. */
async function assertThere(mirror: ObjectStore, fetched: ReadonlySet<string>, oids: Iterable<string>): Promise<void> {
  for (const oid of oids) {
    if (fetched.has(oid) || (await mirror.holds(oid))) continue
    throw new Fault('REMOTE_INVALID', `the server left out object ${oid}`)
  }
}

async function writeLoose(scratch: string, oid: string, { type, body }: GitObject): Promise<void> {
  if (objectId(type, body) !== oid) throw new Fault('REMOTE_INVALID', `object ${oid} changed in memory`)
  await writeFileSynced(join(scratch, oid), await deflate(looseBytes(type, body)), 0o444)
}
