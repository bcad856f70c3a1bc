import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import type { ForgeKind } from './forge.ts'

/** What proves that a delivery came from somebody who knows the secret. */
export type WebhookProof =
  /** HMAC-SHA256 over the bytes that `signed` makes of the body. */
  | {
      kind: 'hmac'
      macs: readonly Buffer[]
      signed: (body: Buffer) => readonly (Buffer | string)[]
      key: Buffer | string
    }
  /** The secret itself: it proves nothing about the body, which is not read. */
  | { kind: 'token'; token: string }

/** Names of one delivery; a forge that sends it again sends the same. */
export type Delivery = { ids: readonly string[]; proof: WebhookProof }

const STANDARD_KEY = /^whsec_([A-Za-z0-9+/]{22,}={0,2})$/
/** How far the clock of a sender may be away, as in the Standard Webhooks specification. */
const TOLERANCE_S = 300
const ID = /^[\x21-\x7e]{1,200}$/

/**
 * Reads the headers of a delivery before anything of its body is read.
 * @param secret of GitLab: a signing token (`whsec_…`), and then nothing else is accepted, or the older secret token
 * @throws Fault `WEBHOOK_UNSIGNED`
 */
export function deliveryOf(forge: ForgeKind, headers: Headers, secret: string, now: Date): Delivery {
  switch (forge) {
    case 'github':
      return {
        ids: idsIn(headers, 'x-github-delivery'),
        proof: ofHex(headers, 'x-hub-signature-256', 'sha256=', secret),
      }
    case 'gitea':
      return { ids: idsIn(headers, 'x-gitea-delivery'), proof: ofHex(headers, 'x-gitea-signature', '', secret) }
    case 'gitlab': {
      const [, key] = STANDARD_KEY.exec(secret) ?? []
      const ids = idsIn(headers, 'webhook-id', 'idempotency-key', 'x-gitlab-event-uuid')
      return { ids, proof: key === undefined ? ofToken(headers) : ofStandard(headers, Buffer.from(key, 'base64'), now) }
    }
    default:
      return forge satisfies never
  }
}

/** @throws Fault `WEBHOOK_UNSIGNED`; takes as long for every wrong token. */
export function assertToken({ token }: WebhookProof & { kind: 'token' }, secret: string): void {
  if (!timingSafeEqual(sha256(token), sha256(secret))) throw unsigned('the token is another one')
}

/** @throws Fault `WEBHOOK_UNSIGNED`; takes as long for every wrong signature. */
export function assertSigned({ key, macs, signed }: WebhookProof & { kind: 'hmac' }, body: Buffer): void {
  const hmac = createHmac('sha256', key)
  for (const part of signed(body)) hmac.update(part)
  const expected = hmac.digest()
  const equal = macs.map((mac) => timingSafeEqual(mac, expected))
  if (!equal.includes(true)) throw unsigned('the signature is not over this body with the configured secret')
}

function ofHex(headers: Headers, header: string, prefix: string, key: string): WebhookProof {
  const given = headers.get(header)
  if (given === null) throw unsigned(`expected the header ${header}`)
  const digits = given.startsWith(prefix) ? given.slice(prefix.length) : ''
  if (!/^[0-9a-f]{64}$/.test(digits)) throw unsigned(`${header}: expected ${prefix}<64 hex digits>`)
  return { kind: 'hmac', key, macs: [Buffer.from(digits, 'hex')], signed: (body) => [body] }
}

function ofToken(headers: Headers): WebhookProof {
  const token = headers.get('x-gitlab-token')
  if (token === null) throw unsigned('expected the header x-gitlab-token')
  return { kind: 'token', token }
}

/** `webhook-signature: v1,<base64> …` over `<id>.<timestamp>.<body>`. */
function ofStandard(headers: Headers, key: Buffer, now: Date): WebhookProof {
  const [id = '', timestamp = '', signatures = ''] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers.get(name) ?? '',
  )
  if (!ID.test(id) || !/^\d{1,12}$/.test(timestamp))
    throw unsigned('expected the headers webhook-id, webhook-timestamp and webhook-signature')
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > TOLERANCE_S)
    throw unsigned(`webhook-timestamp is more than ${TOLERANCE_S} s away from the clock of this machine`)
  const macs = signatures.split(' ').flatMap((each) => {
    const [, base64 = ''] = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(each) ?? []
    return base64 === '' ? [] : [Buffer.from(base64, 'base64')]
  })
  if (macs.length === 0 || macs.length > 8) throw unsigned('webhook-signature: expected v1,<base64 of 32 bytes>')
  return { kind: 'hmac', key, macs, signed: (body) => [`${id}.${timestamp}.`, body] }
}

function idsIn(headers: Headers, ...names: string[]): string[] {
  const given = names.flatMap((name) => headers.get(name) ?? [])
  return given.filter((id) => ID.test(id)).slice(0, 1)
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

const unsigned = (why: string) => new Fault('WEBHOOK_UNSIGNED', why)
