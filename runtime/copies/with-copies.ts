import type { AuditLog } from '../audit/log.ts'
import { serialiseRecord } from '../audit/record.ts'
import { COPY_DEFAULTS, createCopy, type Copy } from './copy.ts'
import type { CopyTarget } from './copy-settings.ts'
import { sendOverHttp } from './send-http.ts'
import { sendToStream } from './send-lines.ts'
import type { Log } from '../http/log.ts'

const GRACE_MS = 2_000

export function openCopies(
  targets: readonly CopyTarget[],
  service: { version: string; node: string },
  log: Log,
  stdout: NodeJS.WritableStream = process.stdout,
): Copy[] {
  return targets.map((target) => {
    const { name, isRequired } = target
    return createCopy({
      ...COPY_DEFAULTS,
      name,
      isRequired,
      send: target.to === 'stdout' ? sendToStream(stdout) : sendOverHttp(target, service),
      onTrouble: (error) => log.error('an audit copy does not take records', error, { copy: name }),
      onWell: () => log.info('an audit copy takes records again', { copy: name }),
    })
  })
}

/**
 * The log, whose records also go to copies once they are durable. The log stays what counts: a record that a copy has
 * is in the log. A required copy that fails makes the log unavailable.
 */
export function withCopies(audit: AuditLog, copies: readonly Copy[]): AuditLog {
  if (copies.length === 0) return audit
  const isHealthy = () => audit.isHealthy() && copies.every((copy) => copy.status().healthy || !copy.status().required)
  return {
    ...audit,
    async append(record) {
      const seq = await audit.append(record)
      const copied = { record, line: serialiseRecord(record, seq) }
      await Promise.all(copies.map((copy) => copy.take(copied)))
      return seq
    },
    isHealthy,
    status: () => ({ ...audit.status(), healthy: isHealthy(), copies: copies.map((copy) => copy.status()) }),
    async close() {
      await Promise.all(copies.map((copy) => copy.stop(GRACE_MS)))
      await audit.close()
    },
  }
}
