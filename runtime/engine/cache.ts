import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { LoadedBundle } from '../bundle/load.ts'
import { admit, answer, route, type Execution, type ExecutionRequest } from './execute.ts'

/** Answers that may be given again, of all tenants of a process. */
export type ResponseCache = {
  get(scope: string, key: string): Execution | null
  /** Keeps an answer for `ttlMs`, and at most `maxEntries` of its scope; the one that was not asked for longest goes. */
  set(scope: string, key: string, execution: Execution, limits: { ttlMs: number; maxEntries: number }): void
  /** Answers that are kept. */
  size(): number
}

/** Characters of an answer; longer ones are made anew each time. */
const MAX_ANSWER_CHARS = 16_384

type Entry = { execution: Execution; until: number }

/** `now` is a monotonic clock in milliseconds; `maxTotal` bounds the answers of all scopes together. */
export function createResponseCache({ now, maxTotal }: { now: () => number; maxTotal: number }): ResponseCache {
  const scopes = new Map<string, Map<string, Entry>>()
  let total = 0
  const dropOldestScopes = () => {
    for (const [scope, entries] of scopes) {
      if (total <= maxTotal) return
      scopes.delete(scope)
      total -= entries.size
    }
  }
  return {
    get(scope, key) {
      const entries = scopes.get(scope)
      const entry = entries?.get(key)
      if (entries === undefined || entry === undefined) return null
      entries.delete(key)
      if (entry.until <= now()) {
        total -= 1
        return null
      }
      entries.set(key, entry)
      return entry.execution
    },
    set(scope, key, execution, { ttlMs, maxEntries }) {
      if (ttlMs <= 0 || maxEntries <= 0) return
      const entries = scopes.get(scope) ?? new Map<string, Entry>()
      scopes.delete(scope)
      scopes.set(scope, entries)
      if (entries.delete(key)) total -= 1
      entries.set(key, { execution, until: now() + ttlMs })
      total += 1
      if (entries.size > maxEntries) {
        const [oldest] = entries.keys()
        entries.delete(oldest!)
        total -= 1
      }
      dropOldestScopes()
    },
    size: () => total,
  }
}

/** What an answer depends on beside the request. Nothing of it is shared between tenants. */
export type CacheScope = { tenant: string; valuesDigest: string; policiesDigest: string }

/**
 * `execute`, through the cache where the bundle's policy has one. A request is admitted before the cache is asked,
 * so that what is refused is refused in any state of the cache.
 * @throws Fault as `execute` does.
 */
export function executeCached(
  cache: ResponseCache,
  { tenant, valuesDigest, policiesDigest }: CacheScope,
  bundle: LoadedBundle,
  request: ExecutionRequest,
  values: Values,
): Execution & { cached: boolean } {
  admit(bundle, request)
  const policy = bundle.policies.cache
  if (policy?.enabled !== true) return { ...answer(bundle, request, route(bundle, request), values), cached: false }
  const scope = JSON.stringify([tenant, bundle.digest, valuesDigest, policiesDigest])
  const key = keyOf(request)
  const known = cache.get(scope, key)
  if (known !== null) return { ...known, cached: true }
  const execution = answer(bundle, request, route(bundle, request), values)
  if (isSmall(execution.output)) {
    cache.set(scope, key, execution, { ttlMs: policy.ttl_s * 1000, maxEntries: policy.max_entries })
  }
  return { ...execution, cached: false }
}

/** Inputs are kept as digests only. */
function keyOf({ input, intent, explain }: ExecutionRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([intent, explain, canonicalize(input)]))
    .digest('base64')
}

function isSmall(output: unknown): boolean {
  return JSON.stringify(output).length <= MAX_ANSWER_CHARS
}
