import { rm } from 'node:fs/promises'
import { Fault } from '../../schemas/fault.ts'
import type { Credentials } from './credentials.ts'
import { openFetchProcess } from './fetch-process.ts'
import { openHttpClient, type HttpLimits } from './http-client.ts'
import { openMirror, type Mirror } from './mirror.ts'
import { mirroredRefs } from './mirrored-refs.ts'
import { newObjects } from './new-objects.ts'
import { push } from './push.ts'
import { assertWritableRef, matchesRef } from './ref-name.ts'
import { parseRemoteUrl } from './remote-url.ts'
import type { RefUpdate, Repository } from './repository.ts'
import { retryBackoff } from './retry-backoff.ts'
import { openServerRefs } from './server-refs.ts'
import { turnstile } from './turnstile.ts'
import { isTag, usefulTips } from './useful-tips.ts'

export type RemoteOptions = {
  mirror: string
  fetch: readonly string[]
  credentials?: Credentials
  /** Without a byte for this long a request is given up (10 s). */
  stallMs?: number
  /** A whole fetch or push (120 s). */
  timeoutMs?: number
  /** Bytes of one answer (128 MiB). */
  maxBytes?: number
  maxObjectBytes?: number
  maxObjects?: number
}

const MIB = 1024 * 1024
/** Refs are a small question: it is given up sooner, and its answer is small. */
const REFS_TIMEOUT_MS = 20_000
const REFS_MAX_BYTES = 16 * MIB

/** A repository behind smart HTTP, read through a mirror on disk that only ever holds what was verified. */
export async function openRemoteRepository(location: string, options: RemoteOptions): Promise<Repository> {
  const url = parseRemoteUrl(location)
  const { stallMs = 10_000, timeoutMs = 120_000, maxBytes = 128 * MIB } = options
  const limits: HttpLimits = { stallMs, totalMs: timeoutMs, maxBytes }
  const small: HttpLimits = {
    stallMs,
    totalMs: Math.min(timeoutMs, REFS_TIMEOUT_MS),
    maxBytes: Math.min(maxBytes, REFS_MAX_BYTES),
  }
  const authorization = options.credentials?.() ?? null
  const mirror = await openMirror(options.mirror, url.href)
  const client = openHttpClient(url, authorization)
  const serverRefs = openServerRefs(client, options.fetch, small)
  const fetcher = openFetchProcess({
    heapMiB: 256,
    residentBytes: 256 * MIB + 4 * maxBytes,
    timeoutMs: timeoutMs + 30_000,
  })
  const backoff = retryBackoff(1000, 300_000)
  const refs = mirroredRefs(mirror, options.fetch)
  /** A push and a refresh both move the mirror's refs. */
  const alone = turnstile(1)
  let damaged = false
  let refreshing: Promise<void> | null = null

  function assertFetched(ref: string): void {
    if (options.fetch.some((prefix) => matchesRef(ref, prefix))) return
    throw new Fault('CONFIG_INVALID', `${ref}: expected one of the refs that are fetched: ${options.fetch.join(', ')}`)
  }

  function assertFilled(): void {
    if (!mirror.filled) throw new Fault('REMOTE_UNAVAILABLE', `${url.href}: was never fetched; look at the connection`)
  }

  async function refresh(): Promise<void> {
    fetcher.warm()
    const server = await serverRefs()
    try {
      await follow(server)
    } catch (error) {
      refs.forget()
      if (!(error instanceof Fault) || error.reason !== 'REF_CONFLICT') throw error
      // Another process on the same mirror was faster.
      await follow(server)
    }
  }

  async function follow(server: ReadonlyMap<string, string>): Promise<void> {
    const before = await refs.read()
    const repairing = before === null || (damaged && backoff.due())
    const news = repairing || before.isWhole ? server : newRefs(before.refs, server)
    const tips = [...new Set(news.values())]
    const wants = repairing ? tips : await absent(mirror, tips)
    if (wants.length > 0) await fetchObjects(wants, repairing ? [] : await wholeTips(before.refs, news))
    if (repairing) {
      damaged = false
      backoff.attempted()
    }
    if (before === null) await mirror.rewriteRefs(server)
    else await moveRefs(before.refs, server)
    await mirror.markFilled()
  }

  async function fetchObjects(wants: string[], haves: string[]): Promise<void> {
    const scratch = await mirror.makeScratch()
    try {
      const fetched = await fetcher.run({
        url: url.href,
        authorization,
        wants,
        haves,
        objects: `${mirror.gitdir}/objects`,
        scratch,
        http: limits,
        pack: { maxObjects: options.maxObjects ?? 2_000_000, maxObjectBytes: options.maxObjectBytes ?? 32 * MIB },
      })
      await mirror.quarantine(mirror.store.takeDamaged())
      await mirror.adopt(scratch, fetched)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  /** Tips of the mirror whose object is whole; a server that does not know one of them ignores it. */
  async function wholeTips(before: ReadonlyMap<string, string>, news: ReadonlyMap<string, string>): Promise<string[]> {
    const tips = usefulTips(before, [...news.keys()])
    const whole = await Promise.all(tips.map(async (oid) => ((await mirror.store.known(oid)) === null ? null : oid)))
    return whole.filter((oid) => oid !== null)
  }

  async function moveRefs(before: ReadonlyMap<string, string>, server: ReadonlyMap<string, string>): Promise<void> {
    const gone = [...before].filter(([ref]) => !server.has(ref)).map(([ref, old]) => ({ ref, old, new: null }))
    // Tags first, so that nobody sees a branch that names a tag which is not there yet.
    const moved = [...server]
      .sort(([a], [b]) => Number(isTag(b)) - Number(isTag(a)))
      .filter(([ref, oid]) => before.get(ref) !== oid)
      .map(([ref, oid]) => ({ ref, old: before.get(ref) ?? null, new: oid }))
    for (const updates of [gone, moved]) {
      if (updates.length === 0) continue
      await mirror.updateRefs(updates)
      refs.moved(updates)
    }
  }

  async function pushRefs(updates: readonly RefUpdate[]): Promise<void> {
    for (const { ref } of updates) {
      assertFetched(ref)
      assertWritableRef(ref)
    }
    const tips = updates.flatMap(({ new: value }) => (value === null ? [] : [value]))
    const known = [...((await refs.read())?.refs ?? [])].filter(([ref]) => !isTag(ref)).map(([, oid]) => oid)
    await push(client, mirror.gitdir, updates, await newObjects(mirror.store, tips, known), limits)
    await remember(mirror, updates)
    refs.moved(updates)
  }

  const read: Repository['read'] = async (oid, type, most) => {
    try {
      return await mirror.read(oid, type, most)
    } catch (error) {
      if (error instanceof Fault && (error.reason === 'OBJECT_CORRUPT' || error.reason === 'OBJECT_MISSING')) {
        damaged = true
        refs.forget()
      }
      throw error
    }
  }

  /** A ref that cannot be read is looked for by the next refresh. */
  async function orForget<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      refs.forget()
      throw error
    }
  }

  return {
    kind: 'remote',
    location,
    gitdir: mirror.gitdir,
    read,
    write: mirror.write,
    async readRef(ref) {
      assertFetched(ref)
      assertFilled()
      return orForget(mirror.readRef(ref))
    },
    async listRefs(prefix) {
      assertFetched(prefix)
      assertFilled()
      return orForget(mirror.listRefs(prefix))
    },
    updateRefs: (updates) => alone(() => pushRefs(updates)),
    head: () => Promise.resolve(null),
    refresh: () => (refreshing ??= alone(refresh).finally(() => (refreshing = null))),
    async close() {
      fetcher.close()
      client.close()
      await mirror.close()
    },
  }
}

function newRefs(before: ReadonlyMap<string, string>, server: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...server].filter(([ref, oid]) => !isTag(ref) || before.get(ref) !== oid))
}

async function absent(mirror: Mirror, oids: readonly string[]): Promise<string[]> {
  const held = await Promise.all(oids.map((oid) => mirror.store.holds(oid)))
  return oids.filter((_, i) => held[i] !== true)
}

/** The server has moved the refs; where another process on the same mirror was faster, its next refresh is right. */
async function remember(mirror: Mirror, updates: readonly RefUpdate[]): Promise<void> {
  for (const { ref, new: value } of updates) {
    const old = await mirror.readRef(ref)
    if (old === value) continue
    await mirror.updateRefs([{ ref, old, new: value }]).catch((error: unknown) => {
      if (!(error instanceof Fault) || error.reason !== 'REF_CONFLICT') throw error
    })
  }
}
