import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { beforeEach, describe, expect, it } from 'vitest'
import { webhookRoutes, type WebhookSecrets } from '../../controller/http/webhook-routes.ts'
import { faultOf, problemResponse } from '../../runtime/http/problem.ts'

type Recorded = { name: string; examples: object[] }
const recorded = createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json') as Recorded[]

const SECRET = 'a-secret-of-the-webhook'
const KEY = Buffer.alloc(32, 7)
const NOW = new Date('2026-01-02T00:00:00Z')
const mac = (body: string, key: Buffer | string = SECRET) => createHmac('sha256', key).update(body)
const hex = (body: string, key?: string) => mac(body, key).digest('hex')

describe('a webhook', () => {
  let hints: number
  let app: ReturnType<typeof routesWith>
  beforeEach(() => {
    hints = 0
    app = routesWith({ github: SECRET, gitlab: SECRET, gitea: SECRET })
  })

  function routesWith(webhookSecrets: WebhookSecrets) {
    const routes = webhookRoutes({ webhookSecrets, onHint: () => (hints += 1), now: () => NOW })
    return routes.onError((error) => problemResponse(faultOf(error), 'test'))
  }

  async function post(forge: string, body: string, headers: Record<string, string>): Promise<[number, string]> {
    const response = await app.request(`/webhooks/${forge}`, { method: 'POST', body, headers })
    const told = (await response.json()) as { status?: string; reason_code?: string }
    return [response.status, told.reason_code ?? told.status ?? '']
  }

  const github = (body: string, id: string, signature = `sha256=${hex(body)}`) =>
    post('github', body, { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': id, 'X-Hub-Signature-256': signature })

  it('of GitHub is a hint to look, for every payload that GitHub was recorded to send', async () => {
    const bodies = new Set(recorded.flatMap(({ examples }) => examples.map((each) => JSON.stringify(each))))
    expect(bodies.size).toBeGreaterThan(200)
    for (const [index, body] of [...bodies].entries())
      expect([index, ...(await github(body, `delivery-${index}`))]).toEqual([index, 202, 'accepted'])
    expect(hints).toBe(bodies.size)
  })

  it.each([
    ['another secret', (body: string) => `sha256=${hex(body, 'another-secret-of-somebody')}`],
    ['another body', (body: string) => `sha256=${hex(`${body} `)}`],
    ['the older SHA-1', (body: string) => `sha1=${createHmac('sha1', SECRET).update(body).digest('hex')}`],
    ['digits in capitals', (body: string) => `sha256=${hex(body).toUpperCase()}`],
    ['a cut signature', (body: string) => `sha256=${hex(body).slice(0, 62)}`],
    ['nothing', () => ''],
  ])('of GitHub that is signed with %s is refused and hints at nothing', async (_how, signature) => {
    const body = JSON.stringify(recorded.find(({ name }) => name === 'push')?.examples[0])
    expect(await github(body, 'one', signature(body))).toEqual([401, 'WEBHOOK_UNSIGNED'])
    expect(hints).toBe(0)
  })

  it('without a signature is refused before its body is read', async () => {
    let pulled = 0
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled += 1
          controller.enqueue(Buffer.alloc(1024))
        },
      },
      { highWaterMark: 0 },
    )
    const request = new Request('http://test/webhooks/github', { method: 'POST', body, duplex: 'half' })
    expect((await app.request(request)).status).toBe(401)
    expect(pulled).toBe(0)
  })

  it('that is larger than allowed is refused, whether it says so or not', async () => {
    const body = 'x'.repeat(1_048_577)
    const signed = { 'X-Hub-Signature-256': `sha256=${hex(body)}` }
    expect(await post('github', body, { ...signed, 'Content-Length': String(body.length) })).toEqual([
      413,
      'PAYLOAD_TOO_LARGE',
    ])
    expect(await post('github', body, signed)).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    expect(hints).toBe(0)
  })

  it('that is repeated hints at nothing new, also where its id, which is not signed, was changed', async () => {
    expect(await github('{}', 'one')).toEqual([202, 'accepted'])
    expect(await github('{}', 'one')).toEqual([200, 'repeated'])
    expect(await github('{}', 'two')).toEqual([200, 'repeated'])
    expect(await github('{"a":1}', 'one')).toEqual([200, 'repeated'])
    expect(hints).toBe(1)
  })

  it('is forgotten after some thousands of others, and then is one look too many at most', async () => {
    for (let n = 0; n < 2_100; n++) await github(`{"n":${n}}`, `id-${n}`)
    expect(await github('{"n":2099}', 'id-2099')).toEqual([200, 'repeated'])
    expect(await github('{"n":0}', 'id-0')).toEqual([202, 'accepted'])
  })

  it('of Gitea is proved by its own header', async () => {
    const headers = (signature: string) => ({ 'X-Gitea-Delivery': 'one', 'X-Gitea-Signature': signature })
    expect(await post('gitea', '{}', headers(hex('{ }')))).toEqual([401, 'WEBHOOK_UNSIGNED'])
    expect(await post('gitea', '{}', { 'X-Hub-Signature-256': `sha256=${hex('{}')}` })).toEqual([
      401,
      'WEBHOOK_UNSIGNED',
    ])
    expect(await post('gitea', '{}', headers(hex('{}')))).toEqual([202, 'accepted'])
  })

  it('of GitLab is proved by the secret token', async () => {
    const headers = (token: string, id: string) => ({ 'X-Gitlab-Token': token, 'Idempotency-Key': id })
    expect(await post('gitlab', '{}', headers('another-secret-token', 'one'))).toEqual([401, 'WEBHOOK_UNSIGNED'])
    expect(await post('gitlab', '{}', headers(SECRET.slice(1), 'one'))).toEqual([401, 'WEBHOOK_UNSIGNED'])
    expect(await post('gitlab', '{}', headers(SECRET, 'one'))).toEqual([202, 'accepted'])
    expect(await post('gitlab', '{}', headers(SECRET, 'one'))).toEqual([200, 'repeated'])
    expect(await post('gitlab', '{}', headers(SECRET, 'two'))).toEqual([202, 'accepted'])
  })

  describe('of GitLab with a signing token', () => {
    const token = `whsec_${KEY.toString('base64')}`
    const at = NOW.getTime() / 1000
    beforeEach(() => {
      app = routesWith({ gitlab: token })
    })
    const signed = (body: string, { id = 'one', timestamp = at, key = KEY } = {}) => ({
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': `v1,${mac(`${id}.${timestamp}.${body}`, key).digest('base64')}`,
    })

    it('is proved by a signature over id, time and body', async () => {
      expect(await post('gitlab', '{}', signed('{}'))).toEqual([202, 'accepted'])
      expect(await post('gitlab', '{}', signed('{}'))).toEqual([200, 'repeated'])
      expect(await post('gitlab', '{"a":1}', { ...signed('{}'), 'webhook-id': 'two' })).toEqual([
        401,
        'WEBHOOK_UNSIGNED',
      ])
      expect(await post('gitlab', '{}', signed('{}', { key: Buffer.alloc(32, 8) }))).toEqual([401, 'WEBHOOK_UNSIGNED'])
    })

    it('takes one good signature beside others, as while a token is replaced', async () => {
      const headers = signed('{}')
      const other = `v1,${mac('other').digest('base64')} v1a,abc`
      const both = { ...headers, 'webhook-signature': `${other} ${headers['webhook-signature']}` }
      expect(await post('gitlab', '{}', both)).toEqual([202, 'accepted'])
    })

    it('is refused where it is old, or shows the token in the place of a signature', async () => {
      expect(await post('gitlab', '{}', signed('{}', { timestamp: at - 301 }))).toEqual([401, 'WEBHOOK_UNSIGNED'])
      expect(await post('gitlab', '{}', signed('{}', { timestamp: at + 301 }))).toEqual([401, 'WEBHOOK_UNSIGNED'])
      expect(await post('gitlab', '{}', { 'X-Gitlab-Token': token })).toEqual([401, 'WEBHOOK_UNSIGNED'])
    })
  })

  it.each(['github', 'gitlab', 'gitea'])('of %s is refused where no secret is configured', async (forge) => {
    app = routesWith({})
    const headers = {
      'X-Hub-Signature-256': `sha256=${hex('{}', '')}`,
      'X-Gitlab-Token': '',
      'X-Gitea-Signature': hex('{}', ''),
    }
    expect(await post(forge, '{}', headers)).toEqual([403, 'WEBHOOK_OFF'])
    expect(hints).toBe(0)
  })
})
