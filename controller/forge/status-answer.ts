import type { ForgeKind } from './forge.ts'

/** What the answer of a forge means for the status that was sent. */
export type Posted =
  | { kind: 'posted' }
  /** The forge is away, too busy, or refuses the token: nothing else will be taken either. `afterMs` is what it asks for. */
  | { kind: 'forge-refuses'; why: string; afterMs: number | null }
  /** This commit is not taken; it may not have arrived there yet. */
  | { kind: 'status-refused'; why: string }

export type ForgeAnswer = { status: number; headers: Readonly<Record<string, string | undefined>>; body: string }

/** Pure. Nothing of what the forge wrote is repeated, lest it repeat a secret. */
export function postedBy(forge: ForgeKind, { status, headers, body }: ForgeAnswer, now: Date): Posted {
  if (status >= 200 && status < 300) return { kind: 'posted' }
  // GitLab says so of a status that already is what it was asked to become.
  if (forge === 'gitlab' && status === 400 && body.includes('Cannot transition status')) return { kind: 'posted' }
  const afterMs = askedPause(headers, now)
  if (status === 429 || status === 408 || status >= 500 || (status === 403 && afterMs !== null))
    return { kind: 'forge-refuses', why: `it answered ${status}, and is asked again later`, afterMs }
  if (status === 401 || status === 403)
    return { kind: 'forge-refuses', why: `it answered ${status}: check the token and its rights`, afterMs: SLOW_MS }
  if (status >= 300 && status < 400)
    return {
      kind: 'forge-refuses',
      why: `it redirects (${status}), which is not followed: set the final URL in CONTRACTOR_FORGE_API`,
      afterMs: SLOW_MS,
    }
  return {
    kind: 'status-refused',
    why: `it answered ${status}: check CONTRACTOR_FORGE_API and CONTRACTOR_FORGE_PROJECT`,
  }
}

/** What only people can repair is tried again this often. */
const SLOW_MS = 15 * 60_000
const MAX_PAUSE_MS = 60 * 60_000

/** `Retry-After` in seconds, or the end of GitHub's rate limit. */
function askedPause(headers: ForgeAnswer['headers'], now: Date): number | null {
  const after = headers['retry-after']
  if (after !== undefined && /^\d{1,9}$/.test(after)) return Math.min(Number(after) * 1000, MAX_PAUSE_MS)
  const reset = headers['x-ratelimit-reset']
  if (headers['x-ratelimit-remaining'] !== '0' || reset === undefined || !/^\d{1,12}$/.test(reset)) return null
  return Math.min(Math.max(Number(reset) * 1000 - now.getTime(), 1000), MAX_PAUSE_MS)
}
