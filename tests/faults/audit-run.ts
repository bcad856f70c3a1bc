import { join } from 'node:path'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../runtime/audit/log.ts'
import { aRecord } from '../support/audit-record.ts'

export const openLog = (folder: string): Promise<AuditLog> =>
  openAuditLog({
    ...AUDIT_DEFAULTS,
    dir: join(folder, 'audit'),
    registry: 'acme',
    node: 'node-1',
    publishEveryMs: 3_600_000,
    onPublishError: () => undefined,
  })

const ATTEMPTS = 3

/** Appends records one after another, each again where it is refused; answers how many were refused in the end. */
export async function appendAll(log: AuditLog, count: number, onDurable: (index: number) => void): Promise<number> {
  let refused = 0
  for (let at = 0; at < count; at++) {
    let index: number | null = null
    for (let attempt = 0; attempt < ATTEMPTS && index === null; attempt++)
      index = await log.append(aRecord({ request_id: `r-${at}` })).catch(() => null)
    if (index === null) refused += 1
    else onDurable(index)
  }
  return refused
}
