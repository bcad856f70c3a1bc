import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Reason } from '../../schemas/reasons.ts'
import type { GitServerFault } from '../support/git-http-server.ts'
import { insert, rawDelta } from '../support/raw-git.ts'
import { evilPack, flipInPack } from '../support/served-registry.ts'
import { openHostileRegistry, type HostileRegistry } from './hostile-registry.ts'

const at = 'git-upload-pack'
const status = (code: number, headers: Record<string, string> = {}): GitServerFault => ({
  kind: 'status',
  status: code,
  headers,
})
/** Servers that lie, cut and overflow. Those that hang or never stop are in tests/runtime/git/remote-faults.test.ts. */
const faults: [id: string, what: string, reason: Reason, fault: GitServerFault][] = [
  ['B01', 'a connection that is reset in the pack', 'REMOTE_UNAVAILABLE', { on: at, kind: 'cut', at: 300 }],
  ['B02', 'a clean end in the middle of the pack', 'REMOTE_INVALID', { on: at, kind: 'early-end', at: 600 }],
  ['B03', 'a bit flipped in the pack', 'REMOTE_INVALID', flipInPack(200)],
  ['B04', 'a bit flipped in the trailer of the pack', 'REMOTE_INVALID', flipInPack(-10)],
  [
    'B07',
    'a delta that is its own base',
    'REMOTE_INVALID',
    evilPack([{ type: 6, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from([0]) }]),
  ],
  ['B05', 'a pack without what was asked for', 'REMOTE_INVALID', evilPack([{ type: 3, data: Buffer.from('other') }])],
  [
    'B12',
    'a compressed answer',
    'REMOTE_INVALID',
    status(200, { 'content-encoding': 'gzip', 'content-type': 'application/x-git-upload-pack-result' }),
  ],
  ['B12', 'a page in the place of an answer', 'REMOTE_INVALID', status(200, { 'content-type': 'text/html' })],
  [
    'B13',
    'a redirect to an address of the machine',
    'REMOTE_REFUSED',
    status(302, { location: 'http://169.254.169.254/latest/meta-data' }),
  ],
  ['K', 'an error of the server', 'REMOTE_UNAVAILABLE', status(500)],
  ['K', 'too many requests', 'REMOTE_UNAVAILABLE', status(429, { 'retry-after': '1' })],
  ['K', 'a repository that is gone', 'REMOTE_REFUSED', status(404)],
]

describe('a Runtime behind a hostile server serves what it has, and goes on when the truth returns', () => {
  let world: HostileRegistry
  beforeAll(async () => {
    world = await openHostileRegistry()
  })
  afterAll(() => world.close())

  it.each(faults)('%s: %s', async (_id, _what, reason, fault) => {
    world.server.fault = fault
    try {
      await world.refusedOnTheWay(reason)
    } finally {
      await world.recovers()
    }
  })
})
