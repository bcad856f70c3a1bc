import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryRoutes } from '../../../controller/http/registry-routes.ts'
import { listen, SERVER_LIMITS } from '../../../runtime/http/listen.ts'
import { faultOf, problemResponse } from '../../../runtime/http/problem.ts'
import type { KeyScope } from '../../../schemas/registry/tenant.ts'
import { runCommand } from '../../support/author-clone.ts'
import {
  faq,
  headAfter,
  headOf,
  holding,
  makePeople,
  observing,
  START,
  wantedTenant,
} from '../../support/plan-world.ts'
import { planChanges } from '../../../controller/plan.ts'

const OPERATOR = 'operator-key-of-at-least-32-characters'
const KEY = `ctr_shop_main_${'ab'.repeat(32)}`
const hash = (text: string) => createHash('sha256').update(text).digest()
const v1 = faq('1.0.0')

let server: Awaited<ReturnType<typeof listen>>
beforeAll(async () => {
  const empty = headOf(await makePeople(), {}, [v1])
  const scopes: KeyScope[] = ['registry:read']
  const keys = { value: [{ id: 'main', sha256: hash(KEY).toString('hex'), scopes }] }
  const tenants = [wantedTenant('shop', { ...holding({ candidate: v1 }), keys }), wantedTenant('bank', {})]
  const head = headAfter(empty, planChanges(observing(empty, { tenants }), START))
  const app = registryRoutes({ head: () => head, now: () => START, operatorKey: hash(OPERATOR) })
  app.onError((error) => problemResponse(faultOf(error), 'test'))
  const at = { host: '127.0.0.1', port: 0, limits: SERVER_LIMITS, isDraining: () => false }
  server = await listen((request) => app.fetch(request), at)
})
afterAll(() => server.drain(0))

const status = (args: string[], env: NodeJS.ProcessEnv, options: Record<string, string | boolean> = {}) =>
  runCommand('status', args, { server: server.url, ...options }, { cwd: '/', env })

describe('contractor status --server', () => {
  it('shows what the controller says, and says that nothing proves it', async () => {
    const { code, out } = await status([], { CONTRACTOR_OPERATOR_KEY: OPERATOR }, { json: true })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      verified: false,
      aliases: [{ tenant: 'shop', alias: 'candidate', bundle: 'faq', version: '1.0.0', digest: v1.digest }],
    })
    expect((await status([], { CONTRACTOR_OPERATOR_KEY: OPERATOR })).out).toContain('nothing here proves it')
  })

  it('takes the key of a tenant, and CONTRACTOR_URL', async () => {
    const env = { CONTRACTOR_API_KEY: KEY, CONTRACTOR_URL: server.url }
    const { code, out } = await runCommand('status', ['shop'], { json: true }, { cwd: '/', env })
    expect([code, out]).toEqual([0, expect.stringContaining(v1.digest)])
  })

  it.each<[string, string[], NodeJS.ProcessEnv, Record<string, string>, number, string]>([
    ['no key', [], {}, {}, 2, 'USAGE'],
    ['a key of a tenant and no tenant', [], { CONTRACTOR_API_KEY: KEY }, {}, 2, 'USAGE'],
    ['another key', ['bank'], { CONTRACTOR_API_KEY: KEY }, {}, 1, 'FORBIDDEN'],
    ['a tenant that is not there', ['nobody'], { CONTRACTOR_OPERATOR_KEY: OPERATOR }, {}, 1, 'TENANT_UNKNOWN'],
    ['no URL', [], { CONTRACTOR_OPERATOR_KEY: OPERATOR }, { server: 'file:///etc/passwd' }, 2, 'USAGE'],
    [
      'a server that does not answer',
      [],
      { CONTRACTOR_OPERATOR_KEY: OPERATOR },
      { server: 'http://127.0.0.1:1' },
      3,
      'REMOTE_UNAVAILABLE',
    ],
  ])('ends with the code of %s', async (_what, args, env, options, code, reason) => {
    const ended = await status(args, env, options)
    expect(ended).toMatchObject({ code, out: '', err: expect.stringMatching(new RegExp(`^${reason}`)) as string })
  })
})
