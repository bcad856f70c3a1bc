import { PACKAGE_VERSION } from '../schemas/package-root.ts'
import { closeUnfinished } from './audit/calls.ts'
import { readIdentity } from './audit/identity.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from './audit/log.ts'
import { formatVerifier, verifierOf } from './audit/note.ts'
import { recoveredRecord, type RecordOrigin } from './audit/record.ts'
import type { WitnessClient } from './audit/witness-client.ts'
import type { CopyTarget } from './copies/copy-settings.ts'
import { openCopies, withCopies } from './copies/with-copies.ts'
import type { Log } from './http/log.ts'

export type AuditOpening = {
  dir: string
  registry: string
  node: string
  /** `0` for a Runtime without workers. */
  worker: string
  client: WitnessClient | null
  /** Where records are copied to; those that are written here, at the start, stand in the log only. */
  copies: readonly CopyTarget[]
  log: Log
  now: () => Date
}

export function recordOrigin(node: string, now: Date): RecordOrigin {
  return { ts: now.toISOString(), node, runtime_version: PACKAGE_VERSION }
}

/** What the witness saw last of the log in `dir`; null for a new log, and where the witness cannot be asked. */
async function anchorOf(dir: string, client: WitnessClient | null, log: Log) {
  if (client === null) return null
  const identity = await readIdentity(dir)
  if (identity === null) return null
  try {
    return await client.seen(formatVerifier(verifierOf(identity.signer)))
  } catch (error) {
    log.error('the witness of the audit log could not be asked; the log is opened without its anchor', error)
    return null
  }
}

/** Opens an audit log and records in it what the last process left open. @throws Fault `AUDIT_BROKEN`, `CONFIG_INVALID` */
export async function openRuntimeAudit(opening: AuditOpening): Promise<AuditLog> {
  const { dir, registry, node, worker, client, copies, log, now } = opening
  const audit = await openAuditLog({
    ...AUDIT_DEFAULTS,
    anchor: await anchorOf(dir, client, log),
    dir,
    registry,
    node,
    worker,
    onPublishError: (error) => log.error('the checkpoint of the audit log could not be written', error),
  })
  try {
    if (audit.tornBytes > 0) {
      log.warn('a torn tail of the audit log was cut off', { bytes: audit.tornBytes })
      await audit.append(recoveredRecord(recordOrigin(node, now()), audit.tornBytes))
    }
    const unfinished = await closeUnfinished(audit, recordOrigin(node, now()))
    if (unfinished > 0) log.warn('calls were begun and not ended; what became of them is unknown', { unfinished })
    return withCopies(audit, openCopies(copies, { version: PACKAGE_VERSION, node }, log))
  } catch (error) {
    await audit.close()
    throw error
  }
}
