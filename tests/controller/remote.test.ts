import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FETCHED_REFS } from '../../controller/start.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { LIVE_REF } from '../../runtime/trust/ledger.ts'
import { eventually } from '../support/eventually.ts'
import { serveGit, type GitServer } from '../support/git-http-server.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { stockGit } from '../support/stock-repository.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'

const v1 = tinyBundle('faq', '1.0.0')
const shop = {
  'tenants/shop/tenant.yaml': 'status: active\n',
  'tenants/shop/aliases/candidate.yaml': aliasFile('faq', '1.0.0', digestOf('faq', v1)),
}

describe('a controller over smart HTTP', () => {
  let registry: TestRegistry
  let server: GitServer
  let remote: Repository
  let loop: RunningLoop

  beforeEach(async () => {
    registry = await openTestRegistry()
    await (
      await stockGit(registry)
    )('config', 'http.receivepack', 'true')
    server = await serveGit({ root: registry.folder })
    remote = await openRepository(`${server.url}/registry.git`, {
      mirror: join(registry.folder, 'mirror'),
      fetch: FETCHED_REFS,
    })
    loop = await runLoop({ ...registry, repository: remote })
  })
  afterEach(async () => {
    await loop.stop()
    await remote.close()
    await server.close()
    await registry.close()
  })

  it('seals, promotes and pushes with leases what it wrote', async () => {
    await registry.commit({ ...v1, ...shop })
    await loop.decided({ subject: 'shop/candidate', reason_code: 'PROMOTED' })
    expect(await registry.repository.readRef(LIVE_REF)).toBe(loop.head().oid)
    const git = await stockGit(registry)
    await git('fsck', '--full', '--strict')
    await git('verify-tag', 'bundles/faq/1.0.0')
  })

  it('says that it is degraded while the server is away, and goes on when it is back', async () => {
    server.fault = { kind: 'status', status: 500 }
    await eventually(
      async () => loop.status(),
      ({ status, reason_code }) => status === 'degraded' && reason_code?.startsWith('REMOTE_') === true,
    )
    await registry.commit({ ...v1, ...shop })
    server.fault = null
    await loop.decided({ subject: 'shop/candidate', reason_code: 'PROMOTED' })
  })

  it('puts a rewound live back', async () => {
    await registry.commit({ ...v1, ...shop })
    await loop.decided({ subject: 'shop/candidate', reason_code: 'PROMOTED' })
    const head = loop.head().oid
    await registry.repository.updateRefs([{ ref: LIVE_REF, old: head, new: registry.root.genesis }])
    await eventually(
      () => registry.repository.readRef(LIVE_REF),
      (oid) => oid === head,
    )
  })
})
