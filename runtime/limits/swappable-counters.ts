import type { RuntimeConfig } from '../config.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Log } from '../http/log.ts'
import { openRedisCounters, type RedisCounters, type RedisOptions } from './redis-store.ts'

export type SwappableCounters = RedisCounters & {
  /** Goes over to the Redis that is configured now, if it is another; requests on their way end with the one before. */
  use(config: RuntimeConfig): Promise<void>
}

const isSame = (a: RedisOptions | null, b: RedisOptions | null) => JSON.stringify(a) === JSON.stringify(b)
const optionsOf = ({ limits }: RuntimeConfig) => (limits.store === 'redis' ? limits.redis : null)

/** Counters in the Redis that is configured; none where another store is. */
export async function openSwappable(config: RuntimeConfig, registry: string, log: Log): Promise<SwappableCounters> {
  const open = async (options: RedisOptions | null) =>
    options === null ? null : openRedisCounters(options, registry, log)
  let options = optionsOf(config)
  let counters = await open(options)
  const leaving = new Set<NodeJS.Timeout>()

  function leave(old: RedisCounters | null, afterMs: number): void {
    const timer = setTimeout(() => {
      leaving.delete(timer)
      void old?.close()
    }, afterMs)
    leaving.add(timer)
  }

  return {
    take(request) {
      if (counters === null) throw new Fault('LIMITS_UNAVAILABLE', 'no Redis is configured')
      return counters.take(request)
    },
    async use(next) {
      const wanted = optionsOf(next)
      if (isSame(wanted, options)) return
      const before = { counters, options }
      counters = await open(wanted)
      options = wanted
      leave(before.counters, before.options?.commandTimeoutMs ?? 0)
    },
    async close() {
      await counters?.close()
    },
  }
}
