import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { objectId } from '../../../runtime/git/object-reader.ts'
import type { GitServerFault } from '../../support/git-http-server.ts'
import { describe, expect, it } from 'vitest'
import { faultReason } from '../../support/fault-reason.ts'
import { fsck, git, insert, putCommit, putLoose, rawDelta } from '../../support/raw-git.ts'
import { LIVE, served, advance, trusted, evilPack, flipInPack, isPack } from '../../support/served-registry.ts'

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

it('hands out no object of the server that is not what its name says', async () => {
  const { gitdir, tip, server, open } = await served(3)
  const blob = objectId('blob', Buffer.from('good'))
  git(gitdir, 'update-ref', LIVE, putCommit(gitdir, putLoose(gitdir, 'tree', ''), [tip]))
  server.fault = evilPack([{ type: 3, data: Buffer.from('evil') }])
  const repository = await open()
  expect(await faultReason(() => repository.refresh())).toBe('REMOTE_INVALID')
  expect(await faultReason(() => repository.read(blob, 'blob'))).toBe('OBJECT_MISSING')
})
