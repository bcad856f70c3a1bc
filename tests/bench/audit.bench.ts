import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AUDIT_DEFAULTS, openAuditLog } from '../../runtime/audit/log.ts'
import { logFolders } from '../../runtime/audit/read-log.ts'
import { proveRequest } from '../../runtime/audit/prove.ts'
import { verifyLog } from '../../runtime/audit/verify-log.ts'
import { aRecord } from '../support/audit-record.ts'

const RECORDS = 200_000
const IN_FLIGHT = [1, 8, 64, 512]

type Row = { inFlight: number; perSecond: number; cpuUs: number; p99: number }

async function measure(inFlight: number): Promise<Row & { verifyPerSecond: number; proveMs: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-audit-'))
  const log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'bench',
    node: 'bench',
    onPublishError: () => undefined,
  })
  const latencies: number[] = []
  const total = inFlight < 64 ? 5_000 : RECORDS
  let next = 0
  const client = async () => {
    while (next < total) {
      const record = aRecord({ request_id: `r-${next++}` })
      const from = performance.now()
      await log.append(record)
      latencies.push(performance.now() - from)
    }
  }
  const cpu = process.cpuUsage()
  const from = performance.now()
  await Promise.all(Array.from({ length: inFlight }, client))
  const seconds = (performance.now() - from) / 1000
  const used = process.cpuUsage(cpu)
  await log.publish()
  const verifyFrom = performance.now()
  await verifyLog(logFolders(dir), log.verifier)
  const verifyPerSecond = total / ((performance.now() - verifyFrom) / 1000)
  const proveFrom = performance.now()
  await proveRequest(logFolders(dir), log.verifier, `r-${total - 300}`)
  const proveMs = performance.now() - proveFrom
  await log.close()
  await rm(dir, { recursive: true })
  latencies.sort((a, b) => a - b)
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN
  return {
    inFlight,
    perSecond: total / seconds,
    cpuUs: (used.user + used.system) / total,
    p99,
    verifyPerSecond,
    proveMs,
  }
}

/** Durable records a second by how many callers wait at a time; every one is synced before its caller goes on. */
export async function run(): Promise<string> {
  const rows = []
  for (const inFlight of IN_FLIGHT) rows.push(await measure(inFlight))
  return [
    '| records in flight | durable records/s | p99 ms | CPU µs a record | verified/s | prove a request, ms |',
    '|---|---|---|---|---|---|',
    ...rows.map(({ inFlight, perSecond, p99, cpuUs, verifyPerSecond, proveMs }) => {
      const cells = [
        inFlight,
        perSecond.toFixed(0),
        p99.toFixed(2),
        cpuUs.toFixed(1),
        verifyPerSecond.toFixed(0),
        proveMs.toFixed(1),
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ].join('\n')
}
