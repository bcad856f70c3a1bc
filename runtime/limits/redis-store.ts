import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type RedisClientType } from '@redis/client'
import { Fault } from '../../schemas/fault.ts'
import type { Log } from '../http/log.ts'
import { countsUsers, nextDay, nextMonth, userCounters } from '../http/quota.ts'
import type { LimitOutcome, LimitRequest } from './limit-store.ts'
import { WINDOW_SCRIPT, WINDOW_SCRIPT_SHA } from './window-script.ts'

export type RedisOptions = {
  /** Holds a password, perhaps; nothing says it aloud. */
  url: string
  connectTimeoutMs: number
  commandTimeoutMs: number
}

/** Counters in Redis, which a fleet shares. */
export type RedisCounters = {
  /** @throws Fault `LIMITS_UNAVAILABLE` at once while Redis is away, or after the time-out of a command */
  take(request: LimitRequest): Promise<LimitOutcome>
  close(): Promise<void>
}

type Reply = [refusedBy: number, limit: number, remaining: number, waitMs: number, clockMs: number]

const RECONNECT = { firstMs: 50, mostMs: 2_000 } as const

const away = (why: string, cause?: unknown) =>
  new Fault('LIMITS_UNAVAILABLE', `the counters in Redis could not be reached: ${why}`, { cause })

/** The braces let Redis keep all of a tenant on one node of a cluster. Names hold neither `:` nor braces; names of users never stand in Redis. */
function argumentsOf(registry: string, { tenant, keyId, user, policy, quota }: LimitRequest): string[] {
  const { perTenant, perKey, perUser } = policy
  const ofKey = perKey === null ? ['', '0'] : [`key:${keyId}`, String(perKey)]
  const names = user === null ? null : userCounters(`${registry} ${tenant}`, user)
  const ofUser = names === null ? ['', '0'] : [names.own, String(perUser)]
  const ofPeriods = names !== null && countsUsers(quota) ? [names.own, names.shared] : ['', '']
  return [
    `contractor:${registry}:{${tenant}}:`,
    'tenant',
    String(perTenant),
    ...ofKey,
    ...ofUser,
    `key:${keyId}`,
    ...ofPeriods,
    ...[quota.per_month, quota.per_key_per_month, quota.per_user_per_month].map(limitOrNone),
    ...[quota.per_day, quota.per_key_per_day, quota.per_user_per_day].map(limitOrNone),
  ]
}

const limitOrNone = (limit = -1) => String(limit)

function outcomeOf([refusedBy, limit, remaining, waitMs, clockMs]: Reply): LimitOutcome {
  const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000))
  if (refusedBy === 0) return { isAllowed: true, refusedBy: null, limit, remaining, retryAfterS: 0 }
  if (refusedBy === 1) return { isAllowed: false, refusedBy: 'limit', limit, remaining, retryAfterS: seconds(waitMs) }
  const now = new Date(clockMs)
  const ends = refusedBy === 2 ? nextDay(now) : nextMonth(now)
  return { isAllowed: false, refusedBy: 'quota', limit, remaining, retryAfterS: seconds(ends - clockMs) }
}

/** Connects, and again whenever the connection is lost. Resolves when it is there, or was not within its time-out. */
export async function openRedisCounters(options: RedisOptions, registry: string, log: Log): Promise<RedisCounters> {
  const client: RedisClientType = createClient({
    url: options.url,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: options.connectTimeoutMs,
      reconnectStrategy: (retries) => Math.min(RECONNECT.firstMs * 2 ** Math.min(retries, 10), RECONNECT.mostMs),
    },
  })
  let isAway = false
  client.on('error', (error: unknown) => {
    if (!isAway) log.error('the counters in Redis are away', away(codeOf(error)))
    isAway = true
  })
  client.on('ready', () => {
    if (isAway) log.info('the counters in Redis are back')
    isAway = false
  })
  const connected = client.connect().catch(() => undefined)
  await Promise.race([connected, sleep(options.connectTimeoutMs, undefined, { ref: false })])

  async function evaluate(given: readonly string[]): Promise<Reply> {
    try {
      return await client.sendCommand<Reply>(['EVALSHA', WINDOW_SCRIPT_SHA, '1', ...given])
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return client.sendCommand<Reply>(['EVAL', WINDOW_SCRIPT, '1', ...given])
    }
  }

  return {
    async take(request) {
      if (!client.isReady) throw away('not connected')
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        const { commandTimeoutMs } = options
        timer = setTimeout(() => reject(away(`no answer within ${commandTimeoutMs} ms`)), commandTimeoutMs)
      })
      try {
        return outcomeOf(await Promise.race([evaluate(argumentsOf(registry, request)), late]))
      } catch (error) {
        throw error instanceof Fault ? error : away(codeOf(error))
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {
      client.destroy()
    },
  }
}

/** What went wrong without what it was said to: an address may hold a password. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed'
  return (error as NodeJS.ErrnoException).code ?? /^[A-Z]{3,20}\b/.exec(error.message)?.[0] ?? error.name
}
