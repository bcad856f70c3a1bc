import { writeSync } from 'node:fs'
import { beginCall } from '../../runtime/audit/calls.ts'
import { AUDIT_DEFAULTS, openAuditLog } from '../../runtime/audit/log.ts'
import { aRecord } from './audit-record.ts'

/** Begins twice as many calls as it ends, and then waits to be killed. */
const [dir = '', calls = '1'] = process.argv.slice(2)
const names = { registry: 'acme', node: 'node-1', onPublishError: () => undefined }
const log = await openAuditLog({ ...AUDIT_DEFAULTS, dir, ...names })
const begun = []
for (let at = 0; at < 2 * Number(calls); at += 1) begun.push(await beginCall(log, aRecord({ request_id: `r-${at}` })))
for (const [at, call] of begun.entries()) if (at % 2 === 0) await call.end(aRecord({ request_id: `r-${at}` }))
writeSync(1, 'begun\n')
setInterval(() => undefined, 1_000)
