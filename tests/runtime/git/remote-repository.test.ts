import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { basicCredentials, tokenCredentials } from '../../../runtime/git/credentials.ts'
import { firstParents, isAncestor } from '../../../runtime/git/history.ts'
import { objectId } from '../../../runtime/git/object-reader.ts'
import { parsePktLines } from '../../../runtime/git/pkt-line.ts'
import type { RepositoryOptions } from '../../../runtime/git/repository.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { serveGit, type GitServerFault } from '../../support/git-http-server.ts'
import {
  bareRepository,
  fsck,
  git,
  importCommits,
  insert,
  looseFile,
  opened,
  putCommit,
  putFiles,
  putLoose,
  rawDelta,
  rawPack,
  snapshot,
  temporaryDirectory,
  type RawEntry,
} from '../../support/raw-git.ts'

const LIVE = 'refs/heads/live'
const FETCH = [LIVE, 'refs/tags/bundles/']

async function served(commits = 3, options: RepositoryOptions = {}) {
  const gitdir = await bareRepository()
  const tip = commits === 0 ? '' : importCommits(gitdir, LIVE, commits)
  const server = await serveGit({ root: dirname(gitdir) })
  onTestFinished(() => server.close())
  const mirror = join(temporaryDirectory(), 'mirror')
  const url = `${server.url}/registry.git`
  const open = (more: RepositoryOptions = {}) =>
    opened(url, { mirror, fetch: FETCH, stallMs: 2000, ...options, ...more })
  return { gitdir, tip, server, mirror, url, open }
}

/** One more commit on the server. */
function advance(gitdir: string, files: Record<string, string> = { a: String(Math.random()) }): string {
  const tip = putFiles(gitdir, files, [git(gitdir, 'rev-parse', LIVE)])
  git(gitdir, 'update-ref', LIVE, tip)
  return tip
}

/** The state that a failed fetch must not touch: objects and refs of the mirror. */
const trusted = (mirror: string) => [snapshot(join(mirror, 'objects')), snapshot(join(mirror, 'refs'))]

/** Wraps a pack as the answer of `git-upload-pack`, in side band 1. */
function sideband(pack: Buffer): Buffer {
  const line = (bytes: Buffer) => Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
  const parts = [line(Buffer.from('NAK\n'))]
  for (let at = 0; at < pack.length; at += 60_000)
    parts.push(line(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + 60_000)])))
  return Buffer.concat([...parts, Buffer.from('0000')])
}

const evilPack = (entries: RawEntry[]): GitServerFault => ({
  on: 'git-upload-pack',
  kind: 'rewrite',
  rewrite: (body) => (isPack(body) ? sideband(rawPack(entries)) : body),
})
/** Changes one bit of the pack itself, `at` bytes behind its beginning or, when negative, before its end. */
const flipInPack = (at: number): GitServerFault => ({
  on: 'git-upload-pack',
  kind: 'rewrite',
  rewrite: (body) => {
    if (!isPack(body)) return body
    const lines = [...parsePktLines(body)]
      .filter((line) => line?.[0] === 1)
      .map((line) => line?.subarray(1) ?? Buffer.alloc(0))
    const pack = Buffer.concat(lines)
    const index = at < 0 ? pack.length + at : at
    pack[index] = (pack[index] ?? 0) ^ 1
    return sideband(pack)
  },
})
const isPack = (body: Buffer) => body.includes('PACK')

describe('refresh', () => {
  it('brings the refs that are wanted, with all that they name, and no others', async () => {
    const { gitdir, tip, mirror, open } = await served(150)
    git(gitdir, 'tag', '-a', '-m', 'x', 'bundles/faq/1.0.0', tip)
    git(gitdir, 'update-ref', 'refs/heads/main', putFiles(gitdir, { secret: 'of main' }))
    const repository = await open()
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(tip)
    expect(await repository.listRefs('refs/tags/bundles/')).toEqual(
      new Map([['refs/tags/bundles/faq/1.0.0', git(gitdir, 'rev-parse', 'bundles/faq/1.0.0')]]),
    )
    expect(await firstParents(repository, tip, null, 1000)).toHaveLength(150)
    expect(await faultReason(() => repository.readRef('refs/heads/main'))).toBe('CONFIG_INVALID')
    expect(await faultReason(() => repository.read(git(gitdir, 'rev-parse', 'main'), 'commit'))).toBe('OBJECT_MISSING')
    expect(fsck(mirror)).toBe('')
  })

  it('asks once where nothing is new, and for what is new only', async () => {
    const { gitdir, server, mirror, open } = await served(150)
    const repository = await open()
    await repository.refresh()
    server.requests.length = 0
    await repository.refresh()
    expect(server.requests).toEqual(['POST /registry.git/git-upload-pack'])
    const tip = advance(gitdir)
    const before = Object.keys(snapshot(join(mirror, 'objects'))).length
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(tip)
    expect(Object.keys(snapshot(join(mirror, 'objects'))).length - before).toBe(3)
    expect(readdirSync(join(mirror, 'scratch'))).toEqual([])
  })

  it('follows refs that move back, appear and go', async () => {
    const { gitdir, tip, mirror, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    git(gitdir, 'update-ref', LIVE, `${tip}~1`)
    git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', tip)
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(git(gitdir, 'rev-parse', `${tip}~1`))
    git(gitdir, 'update-ref', '-d', 'refs/tags/bundles/faq/1.0.0')
    await repository.refresh()
    expect(await repository.readRef('refs/tags/bundles/faq/1.0.0')).toBeNull()
    expect(fsck(mirror)).toBe('')
  })

  it('takes an empty repository for what it is, and does not take "never fetched" for empty', async () => {
    const { open } = await served(0)
    const repository = await open()
    expect(await faultReason(() => repository.readRef(LIVE))).toBe('REMOTE_UNAVAILABLE')
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBeNull()
  })

  it('answers from its mirror while the server is away', async () => {
    const { tip, server, open } = await served(3)
    await (await open()).refresh()
    await server.close()
    const repository = await open()
    expect(await faultReason(() => repository.refresh())).toBe('REMOTE_UNAVAILABLE')
    expect(await repository.readRef(LIVE)).toBe(tip)
    expect(await firstParents(repository, tip, null, 10)).toHaveLength(3)
  })

  it('works with a server that only speaks the first protocol', async () => {
    const { gitdir, tip, server, open } = await served(3)
    server.before = (request) => void delete request.headers['git-protocol']
    const repository = await open()
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(tip)
    const next = advance(gitdir)
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(next)
  })

  it('refuses a directory that mirrors another URL', async () => {
    const { server, mirror, open } = await served(3)
    await (await open()).refresh()
    expect(await faultReason(() => opened(`${server.url}/other.git`, { mirror, fetch: FETCH }))).toBe('CONFIG_INVALID')
  })
})

describe('a fetch that goes wrong moves nothing, and the next good one heals', () => {
  const faults: [string, GitServerFault, string][] = [
    [
      'a connection that is reset in the pack (B01)',
      { on: 'git-upload-pack', kind: 'cut', at: 3000 },
      'REMOTE_UNAVAILABLE',
    ],
    [
      'a clean end in the middle of the pack (B02)',
      { on: 'git-upload-pack', kind: 'early-end', at: 3000 },
      'REMOTE_INVALID',
    ],
    ['a bit flipped in the pack (B03)', flipInPack(1000), 'REMOTE_INVALID'],
    ['a bit flipped in its trailer (B04)', flipInPack(-10), 'REMOTE_INVALID'],
    ['a server that never answers (B11)', { kind: 'hang' }, 'REMOTE_UNAVAILABLE'],
    [
      'a server that stops in the middle (B11)',
      { on: 'git-upload-pack', kind: 'hang-after', at: 3000 },
      'REMOTE_UNAVAILABLE',
    ],
    ['a server that sends one byte at a time', { kind: 'trickle', everyMs: 5 }, 'REMOTE_UNAVAILABLE'],
    ['a server that never stops (B12)', { on: 'git-upload-pack', kind: 'endless' }, 'REMOTE_INVALID'],
    ['an error of the server', { kind: 'status', status: 500 }, 'REMOTE_UNAVAILABLE'],
    ['too many requests', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, 'REMOTE_UNAVAILABLE'],
    [
      'a redirect to another host (B13)',
      { kind: 'status', status: 302, headers: { location: 'http://169.254.169.254/latest' } },
      'REMOTE_REFUSED',
    ],
    ['an unknown repository', { kind: 'status', status: 404 }, 'REMOTE_REFUSED'],
    ['a page of HTML', { kind: 'status', status: 200, headers: { 'content-type': 'text/html' } }, 'REMOTE_INVALID'],
    [
      'a compressed answer (B12)',
      { kind: 'status', status: 200, headers: { 'content-encoding': 'gzip' } },
      'REMOTE_INVALID',
    ],
    [
      'a delta that is its own base (B07)',
      evilPack([{ type: 6, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from([0]) }]),
      'REMOTE_INVALID',
    ],
    [
      'an object that is too large (B08)',
      evilPack([{ type: 3, data: Buffer.alloc(3 * 1024 * 1024) }]),
      'REMOTE_INVALID',
    ],
    [
      'a pack without what was asked for',
      evilPack([{ type: 3, data: Buffer.from('something else') }]),
      'REMOTE_INVALID',
    ],
    [
      'no pack at all',
      {
        on: 'git-upload-pack',
        kind: 'rewrite',
        rewrite: (body) => (isPack(body) ? Buffer.from('0008NAK\n0000') : body),
      },
      'REMOTE_INVALID',
    ],
  ]
  it.each(faults)('%s', async (_, fault, reason) => {
    const { gitdir, tip, server, mirror, open } = await served(3, {
      stallMs: 400,
      timeoutMs: 1500,
      maxBytes: 2 ** 21,
      maxObjectBytes: 2 ** 21,
    })
    const repository = await open()
    await repository.refresh()
    const before = trusted(mirror)
    const next = advance(
      gitdir,
      Object.fromEntries(
        Array.from({ length: 50 }, (_each, i) => [`f${i}`, `${i} ${Math.random()} ${Math.random()} ${Math.random()}`]),
      ),
    )
    server.fault = fault
    expect(await faultReason(() => repository.refresh())).toBe(reason)
    expect(trusted(mirror)).toEqual(before)
    expect(readdirSync(join(mirror, 'scratch'))).toEqual([])
    expect(await repository.readRef(LIVE)).toBe(tip)
    server.fault = null
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(next)
    expect(fsck(mirror)).toBe('')
  })

  it('a server that leaves out an object that a tree names', async () => {
    const { gitdir, server, mirror, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const tree = putLoose(gitdir, 'tree', '')
    const parent = git(gitdir, 'rev-parse', LIVE)
    const tip = putCommit(gitdir, tree, [parent])
    git(gitdir, 'update-ref', LIVE, tip)
    server.fault = evilPack([{ type: 1, data: Buffer.from(git(gitdir, 'cat-file', 'commit', tip) + '\n') }])
    expect(await faultReason(() => repository.refresh())).toBe('REMOTE_INVALID')
    expect(await repository.readRef(LIVE)).toBe(parent)
    expect(fsck(mirror)).toBe('')
  })

  it('names of refs that may not be (B14)', async () => {
    const { server, open } = await served(3)
    const names = [
      'refs/heads/../../config',
      'refs/tags/bundles/x.lock',
      'refs/tags/bundles/__proto__/corsProxy',
      `refs/tags/bundles/${'x'.repeat(1000)}`,
      'refs/tags/bundles/\u202ex',
    ]
    const line = (text: string) => Buffer.from((Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text)
    const rewrite = (body: Buffer) =>
      isPack(body) ? body : Buffer.concat([...names.map((name) => line(`${'a'.repeat(40)} ${name}\n`)), body])
    server.fault = { on: '/git-upload-pack', kind: 'rewrite', rewrite }
    const repository = await open()
    await faultReason(() => repository.refresh())
    expect([
      ...(await repository.listRefs('refs/tags/bundles/').catch(() => new Map<string, string>())).keys(),
    ]).toEqual([])
    expect(Object.keys({})).toEqual([])
    expect(({} as Record<string, unknown>)['corsProxy']).toBeUndefined()
  })
})

describe('a damaged mirror', () => {
  it('is healed by the next refresh, with the damaged pack put aside', async () => {
    const { tip, mirror, open } = await served(150)
    const first = await open()
    await first.refresh()
    await first.close()
    const pack = readdirSync(join(mirror, 'objects/pack')).find((name) => name.endsWith('.pack')) ?? ''
    const path = join(mirror, 'objects/pack', pack)
    const bytes = readFileSync(path)
    bytes.fill(0, 200, bytes.length - 200)
    rmSync(path)
    writeFileSync(path, bytes)
    const repository = await open()
    expect(await faultReason(() => firstParents(repository, tip, null, 1000))).toBe('OBJECT_CORRUPT')
    await repository.refresh()
    expect(await firstParents(repository, tip, null, 1000)).toHaveLength(150)
    expect(readdirSync(join(mirror, 'quarantine')).filter((name) => name.endsWith('.pack'))).toHaveLength(1)
    expect(fsck(mirror)).toBe('')
  })

  it('is healed where a loose object or a ref is torn', async () => {
    const { tip, mirror, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    rmSync(looseFile(mirror, tip))
    writeFileSync(looseFile(mirror, tip), '')
    writeFileSync(join(mirror, LIVE), '')
    expect(await faultReason(() => repository.read(tip, 'commit'))).toBe('OBJECT_CORRUPT')
    expect(await faultReason(() => repository.readRef(LIVE))).toBe('REF_CORRUPT')
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(tip)
    expect(await firstParents(repository, tip, null, 10)).toHaveLength(3)
    expect(fsck(mirror)).toBe('')
  })
})

describe('credentials', () => {
  it('go to the server and nowhere else', async () => {
    const gitdir = await bareRepository()
    importCommits(gitdir, LIVE, 3)
    const credentials = tokenCredentials('s3cr3t-t0ken')
    const server = await serveGit({ root: dirname(gitdir), authorization: credentials() })
    onTestFinished(() => server.close())
    const url = `${server.url}/registry.git`
    const options = { mirror: join(temporaryDirectory(), 'mirror'), fetch: FETCH, credentials }
    const repository = await opened(url, options)
    await repository.refresh()
    expect(new Set(server.authorizations)).toEqual(new Set([credentials()]))
    expect(JSON.stringify({ ...repository, options })).not.toMatch(/s3cr3t/)
    expect(JSON.stringify(snapshot(options.mirror))).not.toMatch(/s3cr3t/)
    const without = await opened(url, { mirror: join(temporaryDirectory(), 'mirror'), fetch: FETCH })
    const refused = await without.refresh().catch((error: unknown) => error)
    expect(refused).toMatchObject({ reason: 'REMOTE_REFUSED' })
    server.fault = { kind: 'status', status: 302, headers: { location: 'http://127.0.0.1:1/' } }
    expect(String(await repository.refresh().catch((error: unknown) => error))).not.toMatch(/s3cr3t|czNjcjN0/)
  })

  it.each([
    ['a\nb', 'x'],
    ['', 'x'],
    ['a:b', 'x'],
    ['a', 'x\r\ny'],
    ['a', ''],
  ])('refuse %j and %j', async (user, password) => {
    expect(await faultReason(() => basicCredentials(user, password))).toBe('CONFIG_INVALID')
  })
})

describe('updateRefs', () => {
  const commitOn = async (repository: Awaited<ReturnType<typeof opened>>, parent: string | null, text: string) => {
    const blob = await repository.write('blob', Buffer.from(text))
    const { formatTree } = await import('../../../runtime/git/tree.ts')
    const { formatCommit } = await import('../../../runtime/git/commit-object.ts')
    const { AUTHOR } = await import('../../support/raw-git.ts')
    const tree = await repository.write('tree', formatTree([{ mode: '100644', name: 'f', oid: blob }]))
    return repository.write(
      'commit',
      formatCommit({
        tree,
        parents: parent === null ? [] : [parent],
        author: AUTHOR,
        committer: AUTHOR,
        message: `${text}\n`,
      }),
    )
  }

  it('pushes several refs with what they name in one request, and another mirror fetches it', async () => {
    const { gitdir, server, tip, url, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'one')
    server.requests.length = 0
    await repository.updateRefs([
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ])
    expect(server.requests.filter((request) => request.startsWith('POST'))).toHaveLength(1)
    expect(git(gitdir, 'rev-parse', 'live', 'bundles/faq/1.0.0')).toBe(`${next}\n${next}`)
    expect(await repository.readRef(LIVE)).toBe(next)
    expect(fsck(gitdir)).toBe('')
    const other = await opened(url, { mirror: join(temporaryDirectory(), 'mirror'), fetch: FETCH })
    await other.refresh()
    expect(await isAncestor(other, tip, (await other.readRef(LIVE)) ?? '')).toBe(true)
  })

  it('loses a race with a conflict and moves none of its refs (C13)', async () => {
    const { gitdir, tip, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'ours')
    const theirs = advance(gitdir)
    const updates = [
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(theirs)
    expect(git(gitdir, 'tag')).toBe('')
    expect(await repository.readRef('refs/tags/bundles/faq/1.0.0')).toBeNull()
  })

  it('loses a race that begins after it looked', async () => {
    const { gitdir, tip, server, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'ours')
    let theirs = ''
    server.before = (request) => {
      if (request.method === 'POST') theirs = advance(gitdir)
    }
    const updates = [
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(theirs)
    expect(git(gitdir, 'tag')).toBe('')
  })

  it('creates a tag only where there is none', async () => {
    const { gitdir, tip, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', `${tip}~1`)
    const updates = [{ ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: tip }]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', 'bundles/faq/1.0.0')).toBe(git(gitdir, 'rev-parse', `${tip}~1`))
  })

  it('moves a ref back or to another history, and deletes it, where the old value is named', async () => {
    const { gitdir, tip, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const orphan = await commitOn(repository, null, 'heartbeat')
    await repository.updateRefs([{ ref: LIVE, old: tip, new: orphan }])
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(orphan)
    await repository.updateRefs([{ ref: LIVE, old: orphan, new: tip }])
    await repository.updateRefs([{ ref: LIVE, old: tip, new: null }])
    expect(git(gitdir, 'for-each-ref')).toBe('')
    expect(await repository.readRef(LIVE)).toBeNull()
  })

  it('is refused, not in conflict, where the server has a rule against it', async () => {
    const { gitdir, tip, open } = await served(3)
    git(gitdir, 'config', 'receive.denyNonFastForwards', 'true')
    const repository = await open()
    await repository.refresh()
    const orphan = await commitOn(repository, null, 'heartbeat')
    expect(await faultReason(() => repository.updateRefs([{ ref: LIVE, old: tip, new: orphan }]))).toBe(
      'REMOTE_REFUSED',
    )
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(tip)
    expect(await repository.readRef(LIVE)).toBe(tip)
  })

  it('says that it does not know where the connection broke, and the next refresh tells', async () => {
    const { gitdir, tip, server, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'cut')
    server.fault = { on: '/git-receive-pack', kind: 'cut', at: 5 }
    expect(await faultReason(() => repository.updateRefs([{ ref: LIVE, old: tip, new: next }]))).toBe(
      'REMOTE_UNAVAILABLE',
    )
    expect(await repository.readRef(LIVE)).toBe(tip)
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(next)
    server.fault = null
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(next)
  })

  it('keeps the order given where the server cannot move all or none', async () => {
    const { gitdir, tip, server, open } = await served(3)
    git(gitdir, 'config', 'receive.advertiseAtomic', 'false')
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'ours')
    server.before = (request) => {
      if (request.method === 'POST') git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', tip)
    }
    const updates = [
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(tip)
  })

  it('lets exactly one of six rivals win each round (C13)', async () => {
    const { gitdir, tip, url } = await served(3)
    const rivals = await Promise.all(
      Array.from({ length: 6 }, () => opened(url, { mirror: join(temporaryDirectory(), 'mirror'), fetch: FETCH })),
    )
    let old = tip
    for (let round = 0; round < 2; round++) {
      await Promise.all(rivals.map((rival) => rival.refresh()))
      const nexts = await Promise.all(rivals.map((rival, i) => commitOn(rival, old, `${round} ${i}`)))
      const results = await Promise.all(
        rivals.map((rival, i) => faultReason(() => rival.updateRefs([{ ref: LIVE, old, new: nexts[i] ?? '' }]))),
      )
      expect(results.filter((reason) => reason === null)).toHaveLength(1)
      expect(results.filter((reason) => reason === 'REF_CONFLICT')).toHaveLength(5)
      old = nexts[results.indexOf(null)] ?? ''
      expect(git(gitdir, 'rev-parse', LIVE)).toBe(old)
    }
    expect(fsck(gitdir)).toBe('')
  })
})

it('hands out no object of the server that is not what its name says', async () => {
  const { gitdir, tip, server, open } = await served(3)
  const blob = objectId('blob', Buffer.from('good'))
  git(gitdir, 'update-ref', LIVE, putCommit(gitdir, putLoose(gitdir, 'tree', ''), [tip]))
  server.fault = evilPack([{ type: 3, data: Buffer.from('evil') }])
  const repository = await open()
  expect(await faultReason(() => repository.refresh())).toBe('REMOTE_INVALID')
  expect(await faultReason(() => repository.read(blob, 'blob'))).toBe('OBJECT_MISSING')
})
