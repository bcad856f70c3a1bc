import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRepository, type Repository } from '../../../runtime/git/repository.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import { openFollowedRegistry, servedVersion, type FollowedRegistry } from '../../support/followed-registry.ts'
import { serveGit, type GitServer } from '../../support/git-http-server.ts'
import { temporaryFolder } from '../../support/ssh-keygen.ts'

let registry: FollowedRegistry
let server: GitServer
let remote: Repository
let v1: SealRecord
let v2: SealRecord
beforeEach(async () => {
  registry = await openFollowedRegistry()
  v1 = await registry.seal('1.0.0')
  v2 = await registry.seal('1.1.0')
  await registry.ledger.addTenant('retail')
  await registry.ledger.promote('retail', 'current', v1)
  await registry.publish()
  server = await serveGit({ root: dirname(registry.location) })
  remote = await openRepository(`${server.url}/registry.git`, {
    mirror: join(await temporaryFolder(), 'mirror'),
    fetch: ['refs/heads/live', 'refs/heads/heartbeat', 'refs/tags/bundles/'],
  })
})
afterEach(async () => {
  await registry.close()
  await remote.close()
  await server.close()
})

describe('a Runtime that follows a registry over HTTP', () => {
  it('serves what is current, keeps it while the server is away, and goes on when it is back', async () => {
    const follower = await registry.start({ repository: remote })
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    await registry.ledger.promote('retail', 'current', v2)
    await registry.publish()
    server.fault = { kind: 'status', status: 503 }
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 2 })
    registry.clock.advance(600_000)
    expect(follower.status()).toMatchObject({ status: 'degraded', reason_code: 'STALE' })
    server.fault = null
    await registry.publish()
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.1.0')
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 3 })
  })

  it('starts from disk while the server is away', async () => {
    await (await registry.start({ repository: remote })).stop()
    server.fault = { kind: 'status', status: 500 }
    const follower = await registry.start({ repository: remote })
    await follower.sync()
    expect(servedVersion(follower, 'retail')).toBe('1.0.0')
    expect(follower.status()).toMatchObject({ status: 'ready', seq: 2 })
  })

  it('notices a server that goes back, forks, or lies about a tag', async () => {
    const { ledger } = registry
    const before = ledger.head
    await ledger.promote('retail', 'current', v2)
    await registry.publish()
    const follower = await registry.start({ repository: remote })
    await registry.setRef('refs/heads/live', before.oid)
    await follower.sync()
    expect(follower.status()).toMatchObject({ reason_code: 'ROLLBACK_DETECTED', seq: 3 })
    await registry.setRef('refs/heads/live', (await ledger.write({}, { on: before })).oid)
    await follower.sync()
    expect(follower.status()).toMatchObject({ reason_code: 'EQUIVOCATION', seq: 3 })
    await registry.publish()
    await registry.setRef('refs/tags/bundles/faq/1.1.0', v1.tag_object)
    await follower.sync()
    expect(follower.status()).toMatchObject({ reason_code: 'TAG_CONFLICT', seq: 3 })
    expect(servedVersion(follower, 'retail')).toBe('1.1.0')
  })
})
