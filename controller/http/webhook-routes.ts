import { Hono } from 'hono'
import { Fault } from '../../schemas/fault.ts'
import { createDeadlines } from '../../runtime/http/deadlines.ts'
import { readBody } from '../../runtime/http/read-body.ts'
import { openDeliveries } from '../forge/deliveries.ts'
import { FORGES, type ForgeKind } from '../forge/forge.ts'
import { assertSigned, assertToken, deliveryOf } from '../forge/webhook-proof.ts'

/** Secrets by forge; a route without one refuses. */
export type WebhookSecrets = Readonly<Partial<Record<ForgeKind, string>>>

export type WebhookDeps = {
  webhookSecrets: WebhookSecrets
  /** Something may have changed: look soon. */
  onHint: () => void
  now: () => Date
}

const MAX_BYTES = 1_048_576
const DEADLINE_MS = 10_000
/** Bodies that are read at the same time; strangers can fill no more memory than that. */
const MAX_AT_ONCE = 16

/**
 * `POST /webhooks/{github,gitlab,gitea}`: a hint to look, from whoever knows the secret. Nothing in the body is read
 * but its bytes, for the signature: what changed is what Git says.
 */
export function webhookRoutes({ webhookSecrets, onHint, now }: WebhookDeps) {
  const monotonicMs = () => performance.now()
  const deadlines = createDeadlines(monotonicMs)
  const deliveries = openDeliveries()
  let reading = 0

  async function read(request: Request): Promise<Buffer> {
    if (reading >= MAX_AT_ONCE)
      throw new Fault('RATE_LIMITED', `${MAX_AT_ONCE} webhooks are being read already`, { retryAfterS: 1 })
    reading += 1
    try {
      return await readBody(request, {}, { maxBytes: MAX_BYTES, deadlines, atMs: monotonicMs() + DEADLINE_MS })
    } finally {
      reading -= 1
    }
  }

  /** Names by which this delivery is known again. @throws Fault unless it proves that its sender knows the secret */
  async function prove(forge: ForgeKind, request: Request): Promise<string[]> {
    const secret = webhookSecrets[forge]
    if (secret === undefined)
      throw new Fault('WEBHOOK_OFF', `no secret is configured for webhooks of ${forge}, so none can be believed`)
    const { ids, proof } = deliveryOf(forge, request.headers, secret, now())
    const names = ids.map((id) => `${forge} id ${id}`)
    if (proof.kind === 'token') {
      assertToken(proof, secret)
      return names
    }
    const length = request.headers.get('content-length')
    if (length !== null && !(Number(length) <= MAX_BYTES))
      throw new Fault('PAYLOAD_TOO_LARGE', `the body is larger than ${MAX_BYTES} bytes`)
    assertSigned(proof, await read(request))
    // The id is not signed: one who repeats a delivery could change it, and not the signature.
    return [...names, ...proof.macs.map((mac) => `${forge} mac ${mac.toString('hex')}`)]
  }

  const routes = new Hono()
  for (const forge of FORGES) {
    routes.post(`/webhooks/${forge}`, async (c) => {
      const known = deliveries.seen(await prove(forge, c.req.raw))
      if (known) return c.json({ status: 'repeated' })
      onHint()
      return c.json({ status: 'accepted' }, 202)
    })
  }
  return routes
}
