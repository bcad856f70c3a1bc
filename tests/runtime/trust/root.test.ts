import { beforeAll, describe, expect, it } from 'vitest'
import { parseRoot, verifyEpoch, verifyKeyset, verifyLease } from '../../../runtime/trust/root.ts'
import { formatStateFile } from '../../../runtime/trust/state-files.ts'
import type { Keyset, Root } from '../../../schemas/ledger/trust.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { stockKey, stockSign, type StockKey } from '../../support/ssh-keygen.ts'

let keys: StockKey[]
let root: Root
let keyset: Keyset
beforeAll(async () => {
  keys = await Promise.all([stockKey('ed25519'), stockKey('ed25519'), stockKey('ed25519')])
  const publicKeys = keys.map(({ publicKey }) => publicKey)
  root = { registry: 'acme', keys: publicKeys, threshold: 2, genesis: '1'.repeat(40) }
  keyset = {
    registry: 'acme',
    version: 1,
    epoch: 1,
    controller_keys: publicKeys.slice(2),
    heartbeat_key: publicKeys[2] ?? '',
    trusted_until_seq: null,
  }
})

const sign = (bytes: Buffer, ...indices: number[]) =>
  Promise.all(indices.map((index) => stockSign(keys[index]?.file ?? '', bytes, 'contractor-root')))
const reason = (bytes: Buffer, signatures: string) => faultReason(() => verifyKeyset(root, bytes, signatures))

describe('root.json', () => {
  it('is read when it names distinct keys and a threshold that they can reach', () => {
    expect(parseRoot(formatStateFile(root))).toEqual(root)
    expect(parseRoot(JSON.stringify({ ...root, keys: root.keys.map((key) => `${key} comment`) })).keys).toEqual(
      root.keys,
    )
  })

  it.each([
    ['no JSON', () => '{'],
    ['null', () => 'null'],
    ['no keys', () => JSON.stringify({ ...root, keys: [], threshold: 1 })],
    ['a threshold of none', () => JSON.stringify({ ...root, threshold: 0 })],
    ['a threshold above its keys', () => JSON.stringify({ ...root, threshold: 4 })],
    ['a threshold that is text', () => JSON.stringify({ ...root, threshold: '1' })],
    ['one key twice', () => JSON.stringify({ ...root, keys: [root.keys[0], `${root.keys[0]} again`] })],
    ['a key that is none', () => JSON.stringify({ ...root, keys: ['ssh-ed25519 AAAA'], threshold: 1 })],
    ['a short genesis', () => JSON.stringify({ ...root, genesis: 'abc' })],
    ['no registry', () => JSON.stringify({ ...root, registry: undefined })],
  ])('is refused with %s', async (_what, text) => {
    expect(await faultReason(() => parseRoot(text()))).toBe('CONFIG_INVALID')
  })
})

describe('what the root signs, with stock ssh-keygen', () => {
  it('needs as many distinct root keys as the threshold says', async () => {
    const bytes = formatStateFile(keyset)
    const [a = '', b = '', again = ''] = await sign(bytes, 0, 1, 0)
    expect(verifyKeyset(root, bytes, a + b)).toEqual(keyset)
    expect(verifyKeyset(root, bytes, b + a + again)).toEqual(keyset)
    expect(await reason(bytes, a)).toBe('UNTRUSTED')
    expect(await reason(bytes, a + again)).toBe('UNTRUSTED')
    expect(await reason(bytes, '')).toBe('UNTRUSTED')
  })

  it('does not count for other bytes, another purpose, or from another key', async () => {
    const bytes = formatStateFile(keyset)
    const [a = '', b = ''] = await sign(bytes, 0, 1)
    const stranger = await stockSign((await stockKey('ed25519')).file, bytes, 'contractor-root')
    const asGit = await stockSign(keys[1]?.file ?? '', bytes, 'git')
    expect(await reason(formatStateFile({ ...keyset, epoch: 2 }), a + b)).toBe('UNTRUSTED')
    expect(await reason(bytes, a + stranger)).toBe('UNTRUSTED')
    expect(await reason(bytes, a + asGit)).toBe('UNTRUSTED')
    expect(await reason(bytes, `${a}\n${b}`)).toBe('UNTRUSTED')
    expect(await reason(bytes, `${a}garbage\n${b}`)).toBe('UNTRUSTED')
  })

  it('is for one registry', async () => {
    const bytes = formatStateFile({ ...keyset, registry: 'other' })
    expect(await reason(bytes, (await sign(bytes, 0, 1)).join(''))).toBe('UNTRUSTED')
  })

  it('may be an epoch or a lease', async () => {
    const epoch = { registry: 'acme', epoch: 2, fork_seq: 7, fork_head: '2'.repeat(40) }
    const lease = { registry: 'acme', seq: 7, head: '2'.repeat(40), expires_at: '2026-02-01T00:00:00Z' }
    const [epochBytes, leaseBytes] = [formatStateFile(epoch), formatStateFile(lease)]
    expect(verifyEpoch(root, epochBytes, (await sign(epochBytes, 0, 2)).join(''))).toEqual(epoch)
    const signatures = (await sign(leaseBytes, 1, 2)).join('')
    expect(verifyLease(root, leaseBytes, signatures)).toEqual(lease)
    expect(await faultReason(() => verifyLease({ ...root, registry: 'other' }, leaseBytes, signatures))).toBe(
      'UNTRUSTED',
    )
  })
})
