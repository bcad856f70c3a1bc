import type { AuditLog } from './log.ts'
import type { AuditRecord, RecordOrigin } from './record.ts'

/** A call to a model, whose answer the process may not live to record. */
export type Call = {
  /** Records how the call ended. @throws Fault `AUDIT_UNAVAILABLE` */
  end(record: AuditRecord): Promise<number>
}

/**
 * Records a call before it is made: once this resolves, a crash cannot hide it. A step that calls a model begins here,
 * and makes no call where this throws.
 * @param record what is known of the request
 * @throws Fault `AUDIT_UNAVAILABLE`
 */
export async function beginCall(audit: Pick<AuditLog, 'append'>, record: AuditRecord): Promise<Call> {
  const began = await audit.append({ ...record, phase: 'begin' })
  return { end: (ended) => audit.append({ ...ended, phase: 'end', began }) }
}

/**
 * Closes the calls that a process before this one began and did not end: whether an answer left is unknown.
 * @returns how many there were
 */
export async function closeUnfinished(
  audit: Pick<AuditLog, 'append' | 'unfinished'>,
  origin: RecordOrigin,
): Promise<number> {
  for (const [began, record] of audit.unfinished) {
    const { ts, node, runtime_version } = origin
    const known = { ...record, ts, node, runtime_version, ms: 0 }
    await audit.append({
      ...known,
      phase: 'end',
      began,
      decision: 'unknown',
      reason_code: 'OUTCOME_UNKNOWN',
      status: 500,
    })
  }
  return audit.unfinished.size
}
