import { createHash } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatStateFile } from '../../../runtime/trust/state-files.ts'
import type { Heartbeat } from '../../../schemas/ledger/trust.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import { openFollowedRegistry, servedVersion, type FollowedRegistry } from '../../support/followed-registry.ts'
import { eventually } from '../../support/eventually.ts'
import { newTenant, sealRecord } from '../../support/ledger-builder.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let registry: FollowedRegistry
let v1: SealRecord
let v2: SealRecord
beforeEach(async () => {
  registry = await openFollowedRegistry()
  v1 = await registry.seal('1.0.0')
  v2 = await registry.seal('1.1.0')
  await registry.ledger.addTenant('retail')
  await registry.ledger.promote('retail', 'current', v1)
  await registry.publish()
})
afterEach(() => registry.close())

describe('a Runtime that follows live', () => {
  it('serves what is current, and the next as soon as it has looked', async () => {
    const follower = await registry.start()
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 2, age_s: 0, head: registry.ledger.head.oid })
    await registry.ledger.promote('retail', 'current', v2)
    await registry.ledger.promote('retail', 'candidate', v1)
    await registry.publish()
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.1.0')
    expect(servedVersion(follower, 'retail', 'candidate')).toBe('1.0.0')
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 4 })
  })

  it('shares a bundle between tenants, and keeps the very object of a tenant that did not change', async () => {
    await registry.ledger.addTenant('wholesale')
    await registry.ledger.promote('wholesale', 'current', v1)
    await registry.publish()
    const follower = await registry.start()
    const [retail, wholesale] = [follower.tenant('retail'), follower.tenant('wholesale')]
    const bundleOf = (tenant: typeof retail) =>
      tenant?.aliases.current?.kind === 'bundle' && tenant.aliases.current.bundle
    expect(bundleOf(retail)).toBe(bundleOf(wholesale))
    await registry.ledger.promote('wholesale', 'current', v2)
    await registry.publish()
    await follower.sync()
    expect(follower.tenant('retail')).toBe(retail)
    expect(servedVersion(follower, 'wholesale')).toBe('1.1.0')
  })

  it('forgets a tenant that is gone, and serves nothing for one that is suspended', async () => {
    await registry.ledger.addTenant('other')
    await registry.publish()
    const follower = await registry.start()
    const retail = registry.ledger.head.state.tenants.get('retail') ?? newTenant('retail')
    await registry.ledger.write({
      tenants: new Map([
        ['other', null],
        ['retail', { ...retail, status: 'suspended' }],
      ]),
    })
    await registry.publish()
    await follower.sync()
    expect(follower.tenant('other')).toBeNull()
    expect(follower.tenant('retail')).toMatchObject({ state: { status: 'suspended' }, aliases: {} })
  })

  it('is told by the file system when live moves', async () => {
    const follower = await registry.start({ watch: true })
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    await eventually(
      async () => servedVersion(follower, 'retail'),
      (version) => version === '1.1.0',
    )
  })

  it('finds out by polling alone', async () => {
    const follower = await registry.start({ pollIntervalMs: 20 })
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    await eventually(
      async () => servedVersion(follower, 'retail'),
      (version) => version === '1.1.0',
    )
  })

  it('applies the floor of the organisation to the tenants that have its labels', async () => {
    const floor = 'tenants: { region: eu }\nexecute: { per_minute: 1 }\n'
    await registry.ledger.write({
      governance: new Map([['governance/policies/rate_limit.yaml', floor]]),
      tenants: new Map([['labelled', newTenant('labelled', { labels: { region: 'eu' } })]]),
    })
    await registry.ledger.promote('labelled', 'current', v1)
    await registry.publish()
    const follower = await registry.start()
    const limit = (tenant: string) => {
      const served = follower.tenant(tenant)?.aliases.current
      return served?.kind === 'bundle' ? served.bundle.policies.rate_limit.execute.per_minute : null
    }
    expect(limit('labelled')).toBe(1)
    expect(limit('retail')).toBeGreaterThan(1)
    const line = `${createHash('sha256').update(floor).digest('hex')}  governance/policies/rate_limit.yaml\n`
    const policies = `sha256:${createHash('sha256').update(line).digest('hex')}`
    expect(follower.tenant('retail')).toMatchObject({ policies })
    expect(follower.status()).toMatchObject({ policies })
  })
})

describe('a bundle that may not be served', () => {
  const refused = async (expected: string) => {
    await registry.ledger.addTenant('healthy')
    await registry.ledger.promote('healthy', 'current', v1)
    await registry.publish()
    const follower = await registry.start()
    expect(servedVersion(follower, 'retail')).toBe(expected)
    expect(servedVersion(follower, 'healthy')).toBe('1.0.0')
    return follower
  }

  it('is refused when it needs another Runtime', async () => {
    const manifest = `bundle_name: faq\nbundle_version: 3.0.0\ncreated_at: "2026-01-02T03:04:05Z"\ncreated_by: ana\ndescription: x\nruntime_compatibility:\n  min_version: 2.0.0\n`
    await registry.ledger.promote('retail', 'current', await registry.seal('3.0.0', { 'manifest.yaml': manifest }))
    await refused('INCOMPATIBLE_RUNTIME')
  })

  it('is refused from the moment it is revoked, also while it is being served', async () => {
    await registry.ledger.promote('retail', 'current', v2)
    const follower = await refused('1.1.0')
    const revoked = `revoked:\n  - digest: ${v2.digest}\n    reason: wrong answer\n    at: "2026-01-01T00:00:00Z"\n`
    await registry.ledger.write({ governance: new Map([['governance/revoked.yaml', revoked]]) })
    await registry.publish()
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('BUNDLE_REVOKED')
    expect(servedVersion(follower, 'healthy')).toBe('1.0.0')
  })

  it('is refused when its files have another digest', async () => {
    const digest = `sha256:${'e'.repeat(64)}`
    await registry.ledger.promote('retail', 'current', { ...v2, digest })
    await refused('BUNDLE_UNVERIFIED')
  })

  it('is refused when nobody sealed it', async () => {
    await registry.ledger.promote('retail', 'current', sealRecord('faq', '9.9.9'))
    await refused('BUNDLE_UNVERIFIED')
  })

  it('is refused while its tag is missing or another, and served once the tag is right', async () => {
    await registry.ledger.promote('retail', 'current', v2)
    const ref = 'refs/tags/bundles/faq/1.1.0'
    await registry.setRef(ref, v1.tag_object)
    const follower = await refused('BUNDLE_UNVERIFIED')
    await registry.setRef(ref, null)
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('BUNDLE_UNVERIFIED')
    await registry.setRef(ref, v2.tag_object)
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.1.0')
  })

  it('is refused when live names the tag of another version for it', async () => {
    const moved = { ...v2, tag_object: v1.tag_object }
    await registry.setRef('refs/tags/bundles/faq/1.1.0', v1.tag_object)
    await registry.ledger.promote('retail', 'current', moved)
    await refused('BUNDLE_UNVERIFIED')
  })
})

describe('a tag that is moved or deleted under a bundle that is served', () => {
  it('is reported, while the bundle goes on being served from its verified bytes', async () => {
    const follower = await registry.start()
    const ref = 'refs/tags/bundles/faq/1.0.0'
    for (const oid of [v2.tag_object, null]) {
      await registry.setRef(ref, oid)
      await follower.sync()
      expect(follower.status()).toMatchObject({ status: 'degraded', reason_code: 'TAG_CONFLICT' })
      expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    }
    await registry.setRef(ref, v1.tag_object)
    await follower.sync()
    expect(follower.status().status).toBe('ready')
  })
})

describe('a live that breaks its rules', () => {
  it('changes nothing but the status, and is left behind when the truth returns', async () => {
    const { ledger } = registry
    const before = ledger.head
    await ledger.promote('retail', 'current', v2)
    await registry.publish()
    const follower = await registry.start()
    const served = follower.tenant('retail')
    const tampered: [string, string | null][] = [
      ['UNTRUSTED', (await ledger.write({}, { key: null })).oid],
      ['UNTRUSTED', (await ledger.write({}, { key: ledger.keys.heartbeat })).oid],
      ['LEDGER_BROKEN', (await ledger.write({}, { entry: (entry) => ({ ...entry, prev: null }) })).oid],
      ['LEDGER_BROKEN', await ledger.writeRaw(new Map([['tenants/00/x.json', formatStateFile({})]]))],
      ['ROLLBACK_DETECTED', before.oid],
      ['ROLLBACK_DETECTED', null],
      ['EQUIVOCATION', (await ledger.write({}, { on: before })).oid],
      ['OBJECT_CORRUPT', ledger.head.tree],
    ]
    for (const [reason, head] of tampered) {
      await registry.setRef('refs/heads/live', head)
      await follower.sync()
      expect(follower.status()).toMatchObject({
        status: 'degraded',
        reason_code: reason,
        seq: 3,
        head: ledger.head.oid,
      })
      expect(follower.tenant('retail')).toBe(served)
    }
    await ledger.promote('retail', 'current', v1, [])
    await registry.publish()
    await follower.sync()
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 4 })
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
  })

  it('stays detected after a restart', async () => {
    const before = registry.ledger.head
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    await (await registry.start()).stop()
    await registry.setRef('refs/heads/live', before.oid)
    const follower = await registry.start()
    await follower.sync()
    expect(follower.status()).toMatchObject({ status: 'degraded', reason_code: 'ROLLBACK_DETECTED', seq: 3 })
    expect(servedVersion(follower, 'retail')).toBe('1.1.0')
  })
})

describe('a start from disk', () => {
  it('serves what was accepted when Git is away, and goes on when it is back', async () => {
    await (await registry.start()).stop()
    const away = { ...registry.repository, readRef: gone, read: gone, refresh: gone }
    const follower = await registry.start({ repository: away })
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 2 })
    await follower.stop()
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    const back = await registry.start()
    await back.sync()
    expect(servedVersion(back, 'retail')).toBe('1.1.0')
  })

  it('does not believe a disk that was changed: it begins again from the root', async () => {
    await (await registry.start()).stop()
    const file = join(registry.stateDir, 'accepted.log')
    const text = await readFile(file, 'utf8')
    for (const spoiled of [
      text.slice(0, -20),
      text.replace('"oid":"', '"oid":"0'),
      '',
      'x\n',
      `${'0'.repeat(64)} {}\n`,
    ]) {
      await writeFile(file, spoiled)
      const follower = await registry.start()
      await follower.sync()
      expect(follower.status()).toMatchObject({ status: 'ready', seq: 2 })
      await follower.stop()
    }
  })

  it('of another registry is refused, and what was stored is set aside', async () => {
    await (await registry.start()).stop()
    const other = await openFollowedRegistry()
    await other.ledger.addTenant('elsewhere')
    await other.publish()
    const follower = await other.start({ stateDir: registry.stateDir })
    expect(follower.tenant('retail')).toBeNull()
    expect(follower.tenant('elsewhere')).not.toBeNull()
    await other.close()
  })

  it('keeps what was cut short by a crash out of the way of what follows', async () => {
    const follower = await registry.start()
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    await follower.sync()
    await follower.stop()
    const file = join(registry.stateDir, 'accepted.log')
    const text = await readFile(file, 'utf8')
    const second = text.indexOf('\n') + 1
    for (const cut of [second, second + 1, second + 65, text.length - 1]) {
      await writeFile(file, text.slice(0, cut))
      const again = await registry.start()
      await again.sync()
      expect(again.status().seq).toBe(3)
      await again.stop()
      expect(await readFile(file, 'utf8')).toBe(text)
    }
  })

  it('goes on serving when the disk refuses, and says so', async () => {
    const follower = await registry.start()
    await rename(registry.stateDir, `${registry.stateDir}-away`)
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.1.0')
    expect(follower.status()).toMatchObject({ status: 'degraded', reason_code: 'STATE_NOT_DURABLE' })
    await rename(`${registry.stateDir}-away`, registry.stateDir)
    await follower.sync()
    expect(follower.status().status).toBe('ready')
    await follower.stop()
    const again = await registry.start({ repository: { ...registry.repository, refresh: gone } })
    expect(again.status().seq).toBe(3)
  })

  it('fetches a bundle again that was damaged in the cache', async () => {
    await (await registry.start()).stop()
    const cache = join(registry.stateDir, '..', 'bundles', `${v1.digest.slice(7)}.bundle`)
    const bytes = await readFile(cache)
    bytes.writeUInt8((bytes.readUInt8(bytes.length - 1) + 1) % 256, bytes.length - 1)
    await writeFile(cache, bytes)
    const follower = await registry.start()
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    await follower.stop()
    await rm(cache)
    expect(servedVersion(await registry.start(), 'retail')).toBe('1.0.0')
  })
})

const gone = () => Promise.reject(new Error('the network is away'))

describe('freshness', () => {
  it('is ready, then degraded, then expired, and ready again with the next heartbeat', async () => {
    const follower = await registry.start()
    registry.clock.advance(2 * MINUTE)
    expect(follower.status()).toMatchObject({ status: 'ready', age_s: 120 })
    registry.clock.advance(2 * MINUTE)
    expect(follower.status()).toMatchObject({ status: 'degraded', reason_code: 'STALE', age_s: 240 })
    registry.clock.advance(HOUR)
    expect(follower.status()).toMatchObject({ status: 'expired', reason_code: 'STALE' })
    await registry.publish()
    await follower.sync()
    expect(follower.status()).toMatchObject({ status: 'ready', age_s: 0 })
  })

  it('is not changed by a clock that jumps', async () => {
    const follower = await registry.start()
    registry.clock.jump(10 * 365 * 24 * HOUR)
    expect(follower.status().status).toBe('ready')
    registry.clock.jump(-20 * 365 * 24 * HOUR)
    registry.clock.advance(2 * HOUR)
    expect(follower.status().status).toBe('expired')
  })

  it('goes on where it was after a restart', async () => {
    await (await registry.start()).stop()
    registry.clock.advance(30 * MINUTE)
    const follower = await registry.start({ repository: { ...registry.repository, refresh: gone } })
    expect(follower.status()).toMatchObject({ status: 'degraded', age_s: 1800 })
    registry.clock.advance(HOUR)
    expect(follower.status().status).toBe('expired')
  })

  it('needs an unexpired heartbeat on a first start', async () => {
    registry.clock.advance(10 * MINUTE)
    const follower = await registry.start()
    expect(follower.status()).toMatchObject({ status: 'starting', reason_code: 'STALE' })
    await registry.setRef('refs/heads/heartbeat', null)
    await follower.sync()
    expect(follower.status().status).toBe('starting')
    await registry.publish()
    await follower.sync()
    expect(follower.status().status).toBe('ready')
  })

  it('is not renewed by a heartbeat that is older, forged, of another registry, or for a head that is kept from us', async () => {
    const { ledger, clock } = registry
    const follower = await registry.start()
    const old = await registry.repository.readRef('refs/heads/heartbeat')
    clock.advance(MINUTE)
    await registry.publish()
    await follower.sync()
    clock.advance(HOUR)
    const beat = (changes: Parameters<typeof ledger.heartbeat>[0], key = ledger.keys.heartbeat) =>
      ledger.heartbeat({ signedAt: clock.now(), ...changes }, key)
    const heartbeats: [string, string | null][] = [
      ['STALE', old],
      ['UNTRUSTED', await beat({}, ledger.keys.controller)],
      ['UNTRUSTED', await beat({ registry: 'other' })],
      ['STALE', await beat({ seq: ledger.head.seq + 1 })],
      ['EQUIVOCATION', await beat({ head: '7'.repeat(40) })],
      ['LEDGER_BROKEN', await beat({ seq: 1.5 })],
    ]
    for (const [reason, oid] of heartbeats) {
      await registry.setRef('refs/heads/heartbeat', oid)
      await follower.sync()
      expect(follower.status()).toMatchObject({ status: 'degraded', reason_code: reason, age_s: 3600 })
    }
    await registry.publish()
    await follower.sync()
    expect(follower.status()).toMatchObject({ status: 'ready', age_s: 0 })
  })

  it('is not made by a stolen heartbeat key once the root named another, whatever times it was signed for', async () => {
    const { ledger, clock } = registry
    const follower = await registry.start()
    const forever = { signedAt: new Date('2090-01-01T00:00:00Z'), expires_at: '2099-01-01T00:00:00Z' }
    await registry.setRef('refs/heads/heartbeat', await ledger.heartbeat(forever))
    await follower.sync()
    clock.advance(48 * HOUR)
    expect(follower.status().status).toBe('ready')

    const key = ledger.keys.people.get('ana')
    if (key === undefined) throw new TypeError('nobody is called ana')
    const { oid: fork_head, seq: fork_seq } = ledger.head
    const files = new Map([
      ...(await ledger.keyset({ version: 2, epoch: 2, heartbeat_key: key.publicKey })),
      ...(await ledger.epochFiles({ registry: ledger.registry, epoch: 2, fork_seq, fork_head })),
    ])
    await ledger.write({ files, epoch: 2 })
    await registry.setRef('refs/heads/live', ledger.head.oid)
    await follower.sync()
    expect(follower.status()).toMatchObject({ status: 'expired', seq: ledger.head.seq })
    const beat = (changes: Parameters<typeof ledger.heartbeat>[0]) =>
      ledger.heartbeat({ signedAt: clock.now(), ...changes }, key)
    const refused: [string, string][] = [
      ['UNTRUSTED', await ledger.heartbeat(forever)],
      ['STALE', await beat({ seq: fork_seq, head: fork_head })],
    ]
    for (const [reason, oid] of refused) {
      await registry.setRef('refs/heads/heartbeat', oid)
      await follower.sync()
      expect(follower.status()).toMatchObject({ status: 'expired', reason_code: reason })
    }
    await registry.setRef('refs/heads/heartbeat', await beat({}))
    await follower.sync()
    expect(follower.status().status).toBe('ready')
    clock.advance(48 * HOUR)
    expect(follower.status().status).toBe('expired')
  })

  it('lasts as long as the most patient tenant says', async () => {
    await registry.ledger.addTenant('patient', { max_staleness: 'P2D' })
    await registry.publish()
    const follower = await registry.start()
    registry.clock.advance(47 * HOUR)
    expect(follower.status().status).toBe('degraded')
    registry.clock.advance(2 * HOUR)
    expect(follower.status().status).toBe('expired')
  })

  it('comes from a lease of the root where no controller is heard', async () => {
    const { clock } = registry
    const lease = await signLease({ validMs: 48 * HOUR })
    await registry.setRef('refs/heads/heartbeat', null)
    const follower = await registry.start({ readLease: async () => lease })
    clock.advance(47 * HOUR)
    expect(follower.status()).toMatchObject({ status: 'ready', age_s: 0 })
    clock.advance(90 * MINUTE)
    expect(follower.status()).toMatchObject({ status: 'degraded', age_s: 1800 })
    clock.advance(HOUR)
    expect(follower.status().status).toBe('expired')
  })

  it('comes again from the next lease, without a restart, and never from one that has expired', async () => {
    let lease = await signLease({ validMs: HOUR })
    const expired = lease
    await registry.setRef('refs/heads/heartbeat', null)
    const follower = await registry.start({ readLease: async () => lease })
    registry.clock.advance(3 * HOUR)
    expect(follower.status().status).toBe('expired')
    lease = await signLease({ validMs: HOUR })
    await follower.sync()
    expect(follower.status()).toMatchObject({ status: 'ready', age_s: 0 })
    await follower.stop()
    lease = expired
    const again = await registry.start({ readLease: async () => lease })
    await again.sync()
    expect(again.status()).toMatchObject({ status: 'starting', reason_code: 'STALE' })
  })

  it('does not come from a lease for what the site does not hold', async () => {
    const { seq } = registry.ledger.head
    await registry.setRef('refs/heads/heartbeat', null)
    const leases = [
      ['STALE', await signLease({ seq: seq + 1 })],
      ['EQUIVOCATION', await signLease({ head: '7'.repeat(40) })],
      ['UNTRUSTED', await signLease({ registry: 'other' })],
      ['UNTRUSTED', { ...(await signLease({})), signatures: '' }],
      ['LEDGER_BROKEN', await signLease({ expires_at: 'tomorrow' })],
    ] as const
    for (const [reason, lease] of leases) {
      const follower = await registry.start({ readLease: async () => lease })
      await follower.sync()
      expect(follower.status()).toMatchObject({
        status: expect.stringMatching(/starting|expired/),
        reason_code: reason,
      })
      await follower.stop()
    }
  })
})

/** A lease for what stands on `live`, signed by the root. */
async function signLease({ validMs = HOUR, ...changes }: Partial<Heartbeat> & { validMs?: number }) {
  const { ledger, clock } = registry
  const expires_at = new Date(clock.now().getTime() + validMs).toISOString()
  const bytes = formatStateFile({
    registry: 'acme',
    seq: ledger.head.seq,
    head: ledger.head.oid,
    expires_at,
    ...changes,
  })
  return { bytes, signatures: (await ledger.keys.root[0]?.sign(bytes, 'contractor-root')) ?? '' }
}
