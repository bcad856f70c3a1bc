import type { Reason } from '../../schemas/reasons.ts'
import { blankRecord, type AuditRecord } from './record.ts'

/** A denial that is cheap to provoke: of a stranger, or of a tenant over its limit. */
export type Denial = {
  action: string
  profile: string | null
  reason: Reason
  status: number
  tenant: string | null
  keyId: string | null
  requestId: string
  /** Digest of the organisation's floor at the first of them. */
  policies: string | null
  ms: number
}

export type Denials = {
  add(denial: Denial): void
  /** Writes what was counted. */
  flush(): void
}

type Count = { denial: Denial; count: number; since: string }

/**
 * Bounded records of denials: of each kind (action, reason, proven tenant and key) the first of an interval is a record
 * of its own at once, all further ones are one record with their number when the interval ends.
 * @param append takes a record; what becomes of it is its business
 */
export function createDenials(deps: {
  append: (record: AuditRecord) => void
  now: () => Date
  node: string
  runtimeVersion: string
}): Denials {
  let counts = new Map<string, Count>()

  function write({ denial, count, since }: Count, phase: 'end' | 'aggregate'): void {
    const isOne = phase === 'end'
    const origin = { ts: deps.now().toISOString(), node: deps.node, runtime_version: deps.runtimeVersion }
    deps.append({
      ...blankRecord(origin, denial.action, denial.reason, denial.status),
      phase,
      tenant: denial.tenant,
      key_id: denial.keyId,
      request_id: isOne ? denial.requestId : null,
      profile: denial.profile,
      policies: denial.policies,
      ms: isOne ? denial.ms : 0,
      count,
      since: isOne ? null : since,
    })
  }

  return {
    add(denial) {
      const kind = `${denial.action} ${denial.reason} ${denial.tenant ?? ''} ${denial.keyId ?? ''}`
      const known = counts.get(kind)
      if (known !== undefined) {
        known.count += 1
        return
      }
      const since = deps.now().toISOString()
      counts.set(kind, { denial, count: 0, since })
      write({ denial, count: 1, since }, 'end')
    },
    flush() {
      const ended = counts
      counts = new Map()
      for (const count of ended.values()) if (count.count > 0) write(count, 'aggregate')
    },
  }
}
