import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { basicCredentials, tokenCredentials } from '../../../runtime/git/credentials.ts'
import { firstParents } from '../../../runtime/git/history.ts'
import { serveGit } from '../../support/git-http-server.ts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { faultReason } from '../../support/fault-reason.ts'
import {
  bareRepository,
  fsck,
  git,
  importCommits,
  looseFile,
  opened,
  putFiles,
  snapshot,
  temporaryDirectory,
} from '../../support/raw-git.ts'
import { LIVE, FETCH, served, advance } from '../../support/served-registry.ts'

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

  it('goes on where another process on the same mirror followed a tag first', async () => {
    const { gitdir, tip, open } = await served(3)
    const [repository, other] = [await open(), await open()]
    await repository.refresh()
    git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', tip)
    await other.refresh()
    await repository.refresh()
    expect(await repository.readRef('refs/tags/bundles/faq/1.0.0')).toBe(tip)
    git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', `${tip}~1`)
    await other.refresh()
    await repository.refresh()
    expect(await repository.readRef('refs/tags/bundles/faq/1.0.0')).toBe(git(gitdir, 'rev-parse', `${tip}~1`))
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
