import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { objectId } from '../../../runtime/git/object-reader.ts'
import { formatPackIndex } from '../../../runtime/git/pack-index.ts'
import { verifyPack } from '../../../runtime/git/pack-verify.ts'
import { faultReason } from '../../support/fault-reason.ts'
import {
  bareRepository,
  copyFromStart,
  git,
  importCommits,
  insert,
  onlyPack,
  rawDelta,
  rawPack,
} from '../../support/raw-git.ts'

const MIB = 1024 * 1024
const LIMITS = { maxObjects: 10_000, maxObjectBytes: MIB }
const verify = (pack: Buffer) => verifyPack(pack, LIMITS, () => undefined)
const base = Buffer.from('the base of a delta')
const byName = Buffer.from(objectId('blob', base), 'hex')

function resealed(pack: Buffer): Buffer {
  const body = pack.subarray(0, -20)
  return Buffer.concat([body, createHash('sha1').update(body).digest()])
}

describe('verifyPack', () => {
  it('reads what stock git packed, to the same ids and the same index', async () => {
    const gitdir = await bareRepository()
    importCommits(gitdir, 'refs/heads/main', 200)
    git(gitdir, 'gc', '-q', '--aggressive', '--prune=now')
    const { pack, idx } = onlyPack(gitdir)
    const bytes = readFileSync(pack)
    const seen: string[] = []
    const { entries, trailer } = verifyPack(bytes, LIMITS, (oid) => seen.push(oid))
    expect(seen.sort()).toEqual(git(gitdir, 'rev-list', '--objects', '--no-object-names', '--all').split('\n').sort())
    expect(formatPackIndex(entries, trailer).equals(readFileSync(idx))).toBe(true)
  })

  it('follows deltas by offset and by name, before and behind their base', () => {
    const named = { type: 7, data: rawDelta(base.length, 2, [insert('by')]), base: byName }
    const pack = rawPack([named, { type: 3, data: base }])
    const found: string[] = []
    verifyPack(pack, LIMITS, (oid, { body }) => found.push(`${oid} ${body.toString()}`))
    expect(found).toContain(`${objectId('blob', Buffer.from('by'))} by`)
  })

  it.each([
    [
      'is cut (B05)',
      rawPack([
        { type: 3, data: base },
        { type: 3, data: Buffer.from('x') },
      ]).subarray(0, -25),
    ],
    ['says that it has more objects than it has (B05)', rawPack([{ type: 3, data: base }], 2)],
    [
      'says that it has fewer',
      rawPack(
        [
          { type: 3, data: base },
          { type: 3, data: Buffer.from('x') },
        ],
        1,
      ),
    ],
    ['is cut and sealed again', resealed(rawPack([{ type: 3, data: base }]).subarray(0, -3))],
    [
      'has a delta that is its own base (B07)',
      rawPack([{ type: 6, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from([0]) }]),
    ],
    [
      'has a delta whose base stands in its header',
      rawPack([{ type: 6, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from([5]) }]),
    ],
    [
      'has a delta whose base is between two entries',
      rawPack([
        { type: 3, data: base },
        { type: 6, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from([3]) },
      ]),
    ],
    [
      'has a delta without a base (a thin pack)',
      rawPack([{ type: 7, data: rawDelta(4, 4, [insert('evil')]), base: byName }]),
    ],
    ['has an object larger than allowed (B08)', rawPack([{ type: 3, data: Buffer.alloc(MIB + 1) }])],
    ['has an object larger than it says', rawPack([{ type: 3, data: Buffer.alloc(MIB), size: 10 }])],
    ['has an object smaller than it says', rawPack([{ type: 3, data: Buffer.from('x'), size: 10 }])],
    [
      'has a delta that makes too much (B09)',
      rawPack([
        { type: 3, data: Buffer.alloc(0x10000) },
        {
          type: 7,
          data: rawDelta(
            0x10000,
            4096 * 0x10000,
            Array.from({ length: 4096 }, () => copyFromStart(0x10000)),
          ),
          base: Buffer.from(objectId('blob', Buffer.alloc(0x10000)), 'hex'),
        },
      ]),
    ],
    [
      'has one object twice',
      rawPack([
        { type: 3, data: base },
        { type: 3, data: base },
      ]),
    ],
    ['has an entry of the reserved type', rawPack([{ type: 5, data: base }])],
    ['has an entry of type none', rawPack([{ type: 0, data: base }])],
    [
      'is of another version',
      Buffer.concat([Buffer.from('PACK\0\0\0\x03'), rawPack([{ type: 3, data: base }]).subarray(8)]),
    ],
    ['is no pack', Buffer.alloc(100)],
    ['is nothing', Buffer.alloc(0)],
    [
      'says that it has four thousand million objects',
      resealed(Buffer.concat([Buffer.from('PACK\0\0\0\x02\xff\xff\xff\xff', 'latin1'), Buffer.alloc(20)])),
    ],
  ])('refuses a pack that %s', async (_, pack) => {
    expect(await faultReason(() => verify(pack))).toBe('REMOTE_INVALID')
  })

  it('refuses a pack with any one bit flipped (B03, B04)', async () => {
    const pack = rawPack([
      { type: 3, data: base },
      { type: 7, data: rawDelta(base.length, 2, [insert('by')]), base: byName },
    ])
    for (let at = 0; at < pack.length; at++) {
      const changed = Buffer.from(pack)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      expect(await faultReason(() => verify(changed))).toBe('REMOTE_INVALID')
    }
  })

  it('refuses what is left of a pack after any byte', async () => {
    const pack = rawPack([
      { type: 3, data: base },
      { type: 3, data: Buffer.from('x') },
    ])
    for (let length = 0; length < pack.length; length++) {
      expect(await faultReason(() => verify(pack.subarray(0, length)))).toBe('REMOTE_INVALID')
    }
  })
})
