import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Credentials } from '../../runtime/git/credentials.ts'
import { absentAsNull } from '../../runtime/git/durable-fs.ts'
import { listRemoteRefs } from '../../runtime/git/list-remote-refs.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { BUNDLE_TAGS } from '../../runtime/trust/bundle-tag.ts'
import { LIVE_REF } from '../../runtime/trust/ledger.ts'
import { MAIN_REF } from '../promotion/read-main.ts'

/** The head of a pull request, as its forge keeps it under a ref of its own. */
export type PullHead = { ref: string; number: number; oid: string }

/** Where heads of pull requests come from, and a folder of Git objects that they can be judged in. */
export type PullHeads = {
  /** The newest pull requests, the newest first. */
  list: () => Promise<PullHead[]>
  /** Makes what is needed to judge this head readable below `objects`. @throws faults of Git, of this head alone */
  fetch: (head: PullHead) => Promise<{ objects: string }>
}

/** GitHub and Gitea, and GitLab. */
export const PULL_REFS = ['refs/pull/', 'refs/merge-requests/'] as const
const HEAD = /^refs\/(?:pull|merge-requests)\/([1-9]\d{0,9})\/head$/

/** The `max` newest heads among refs, the newest first. Pure. */
export function newestHeads(refs: ReadonlyMap<string, string>, max: number): PullHead[] {
  const heads = [...refs].flatMap(([ref, oid]) => {
    const number = HEAD.exec(ref)?.[1]
    return number === undefined ? [] : [{ ref, number: Number(number), oid }]
  })
  return heads.sort((a, b) => b.number - a.number).slice(0, max)
}

/** Pull requests of a repository on this machine. */
function localHeads(repository: Repository, max: number): PullHeads {
  const objects = join(repository.gitdir, 'objects')
  return {
    async list() {
      const lists = await Promise.all(PULL_REFS.map((prefix) => repository.listRefs(prefix)))
      return newestHeads(new Map(lists.flatMap((list) => [...list])), max)
    },
    fetch: () => Promise.resolve({ objects }),
  }
}

/** Those of the registry that a controller follows. */
export function headsOf(
  repository: Repository,
  { stateDir, max, ...remote }: { location: string; credentials?: Credentials; stateDir: string; max: number },
): PullHeads {
  if (repository.kind === 'local') return localHeads(repository, max)
  return remoteHeads({ ...remote, mirror: join(stateDir, 'pulls'), max })
}

type RemoteHeadsOptions = {
  location: string
  credentials?: Credentials
  /** A folder of its own: nothing of strangers comes into the mirror that promotions are read from. */
  mirror: string
  max: number
}

const MIB = 1024 * 1024
/** What one pull request may bring. */
const HEAD_CAPS = { maxBytes: 32 * MIB, maxObjectBytes: 4 * MIB, maxObjects: 100_000, timeoutMs: 60_000 }
/** A mirror that has grown beyond this begins anew. */
const MAX_MIRROR_BYTES = 1024 * MIB

/** Pull requests of a repository behind a URL. Each head is fetched by itself, so that one that is refused holds up no other. */
function remoteHeads({ location, credentials, mirror, max }: RemoteHeadsOptions): PullHeads {
  const given = credentials === undefined ? {} : { credentials }

  async function refresh(refs: readonly string[], caps: Partial<typeof HEAD_CAPS>): Promise<string> {
    const repository = await openRepository(location, { mirror, fetch: [...refs], ...given, ...caps })
    try {
      await repository.refresh()
      return join(repository.gitdir, 'objects')
    } finally {
      await repository.close()
    }
  }

  return {
    async list() {
      return newestHeads(await listRemoteRefs(location, PULL_REFS, credentials), max)
    },
    async fetch({ ref }) {
      if ((await sizeOf(mirror)) > MAX_MIRROR_BYTES) await rm(mirror, { recursive: true })
      await refresh([MAIN_REF, LIVE_REF, BUNDLE_TAGS], {})
      return { objects: await refresh([MAIN_REF, ref], HEAD_CAPS) }
    },
  }
}

/** Bytes of the files below a folder; those that go away meanwhile do not count. */
async function sizeOf(folder: string): Promise<number> {
  const entries = (await absentAsNull(readdir(folder, { withFileTypes: true }))) ?? []
  let total = 0
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) total += await sizeOf(path)
    else total += (await absentAsNull(stat(path)))?.size ?? 0
  }
  return total
}
