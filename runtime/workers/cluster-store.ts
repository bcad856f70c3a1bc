import { Fault } from '../../schemas/fault.ts'
import type { LimitStore } from '../limits/limit-store.ts'
import type { Channel } from './channel.ts'
import type { PrimaryCalls } from './calls.ts'

/** Longer is no answer: a request waits for its count. */
const PATIENCE_MS = 1_000

/** The counters of all workers of this machine, which their primary keeps. */
export function createClusterStore(primary: Channel<PrimaryCalls>): LimitStore {
  let failures = 0
  let healthy = true

  async function counted<Value>(answer: Promise<Value>): Promise<Value> {
    try {
      const value = await answer
      healthy = true
      return value
    } catch (error) {
      healthy = false
      failures += 1
      throw new Fault('LIMITS_UNAVAILABLE', 'the primary of this worker did not count the request', { cause: error })
    }
  }

  return {
    take: (request) => counted(primary.ask('take', request, PATIENCE_MS)),
    takeInvalid: () => counted(primary.ask('takeInvalid', null, PATIENCE_MS)),
    status: () => ({ store: 'cluster', healthy, fallback: false, failures }),
  }
}
