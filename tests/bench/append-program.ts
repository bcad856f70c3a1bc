import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AUDIT_DEFAULTS, openAuditLog } from '../../runtime/audit/log.ts'
import type { AuditRecord } from '../../runtime/audit/record.ts'
import { aRecord } from '../support/audit-record.ts'

/**
 * One of the processes that `workers` compares. `own`: appends to a log of its own. `write`: starts as many `send`, and
 * appends for them; each of those sends the records of one turn of its loop together.
 */
const [role, dir, total, inFlight, senders] = process.argv.slice(2) as ['own' | 'send' | 'write', ...string[]] &
  string[]

type Batch = { from: number; records: AuditRecord[] }
export type Appended = { cpuUs: number }

async function openLog() {
  const onPublishError = () => undefined
  return openAuditLog({ ...AUDIT_DEFAULTS, dir: String(dir), registry: 'bench', node: 'bench', onPublishError })
}

async function drive(append: (record: AuditRecord) => Promise<unknown>): Promise<void> {
  let next = 0
  const client = async () => {
    while (next < Number(total)) await append(aRecord({ request_id: `r-${next++}` }))
  }
  await Promise.all(Array.from({ length: Number(inFlight) }, client))
}

async function send(): Promise<void> {
  const waiting = new Map<number, () => void>()
  let outbox: AuditRecord[] = []
  let sent = 0
  process.on('message', ({ from, count }: { from: number; count: number }) => {
    for (let at = from; at < from + count; at += 1) {
      waiting.get(at)?.()
      waiting.delete(at)
    }
  })
  const flush = () => {
    process.send?.({ from: sent, records: outbox } satisfies Batch)
    sent += outbox.length
    outbox = []
  }
  await drive(
    (record) =>
      new Promise<void>((resolve) => {
        if (outbox.length === 0) setImmediate(flush)
        waiting.set(sent + outbox.length, resolve)
        outbox.push(record)
      }),
  )
}

/** @returns CPU of the senders in microseconds */
async function write(): Promise<number> {
  const log = await openLog()
  const program = fileURLToPath(import.meta.url)
  const args = ['send', '', String(total), String(inFlight)]
  const each = Array.from({ length: Number(senders) }, () => {
    const child = fork(program, args)
    return new Promise<number>((resolve) => {
      child.on('message', (message: Batch | Appended) => {
        if ('cpuUs' in message) {
          child.disconnect()
          resolve(message.cpuUs)
          return
        }
        const { from, records } = message
        void Promise.all(records.map((record) => log.append(record))).then(
          () => child.connected && child.send({ from, count: records.length }),
        )
      })
    })
  })
  return (await Promise.all(each)).reduce((sum, cpuUs) => sum + cpuUs, 0)
}

async function own(): Promise<void> {
  const log = await openLog()
  await drive((record) => log.append(record))
}

let others = 0
if (role === 'own') await own()
else if (role === 'send') await send()
else others = await write()
const { user, system } = process.cpuUsage()
process.send?.({ cpuUs: others + user + system } satisfies Appended)
process.on('disconnect', () => process.exit(0))
