import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AUDIT_DEFAULTS, openAuditLog } from '../../runtime/audit/log.ts'
import { logFolders, readRecords } from '../../runtime/audit/read-log.ts'
import type { LoadResult } from './load-generator.ts'
import { onOtherCore, PINNED } from './pinned.ts'
import { startVariant, type Usage } from './subjects.ts'

const execute = promisify(execFile)
export const isLong = true
const DEFAULT_S = 600
const SHARE = 0.7
const CONNECTIONS = 64
const PROBE_S = 6
const NAME = 'soak-'
const MIB = 2 ** 20

async function load(port: number, seconds: number, rate: number, name: string): Promise<LoadResult> {
  const generator = fileURLToPath(new URL('load-generator.js', import.meta.url))
  const args = [generator, ...[port, CONNECTIONS, seconds, rate, 0].map(String), name]
  const [command, all] = onOtherCore(process.execPath, args)
  return JSON.parse((await execute(command, all)).stdout) as LoadResult
}

/**
 * Uncached answers for as long as is asked at 70 % of what the Runtime takes, then SIGKILL: no answer failed, memory
 * stayed flat, and the log that the crash left holds the record of every answer, once.
 */
export async function run(seconds = DEFAULT_S): Promise<string> {
  const runtime = await startVariant('uncached')
  try {
    await load(runtime.port, PROBE_S, 0, 'warm-')
    const most = await load(runtime.port, PROBE_S, 0, 'probe-')
    const rate = Math.floor((most.requests / most.seconds) * SHARE)
    const samples: Usage[] = []
    const running = load(runtime.port, seconds, rate, NAME)
    const sampler = setInterval(() => void runtime.usage().then((usage) => samples.push(usage)), (seconds * 1000) / 40)
    const { requests, failures, p50, p99 } = await running
    clearInterval(sampler)
    await runtime.kill()
    const { recorded, twice } = await recordsOf(runtime.dir, requests)
    const quarter = Math.floor(samples.length / 4)
    const rss = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)].map(mean)
    return [
      `${seconds} s at ${rate} requests/s, 70 % of what it takes; ${PINNED}. Then SIGKILL, and the log is read.`,
      '',
      '| answers | failures | records of them | recorded twice | p50 ms | p99 ms | RSS MiB, second quarter | RSS MiB, last quarter |',
      '|---|---|---|---|---|---|---|---|',
      `| ${requests} | ${failures} | ${recorded} | ${twice} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${rss.map((mib) => mib.toFixed(0)).join(' | ')} |`,
      '',
      recorded === requests && failures === 0 && twice === 0
        ? 'Every answer has its record.'
        : '**An answer is missing, failed or recorded twice.**',
    ].join('\n')
  } finally {
    await runtime.kill()
    await rm(runtime.dir, { recursive: true, force: true })
  }
}

/** How many of the requests from 0 up to `count` the log names, once it was recovered as a start would. */
async function recordsOf(dir: string, count: number): Promise<{ recorded: number; twice: number }> {
  const log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'bench',
    node: 'bench',
    onPublishError: (error) => {
      throw error
    },
  })
  const { size } = log.status()
  await log.close()
  const seen = new Uint8Array(count)
  for await (const { record } of readRecords(logFolders(dir), 0, size)) {
    const { request_id: id, status } = record
    if (id?.startsWith(NAME) !== true || status !== 200) continue
    const at = Number(id.slice(NAME.length))
    seen[at] = (seen[at] ?? 0) + 1
  }
  return { recorded: seen.filter((times) => times > 0).length, twice: seen.filter((times) => times > 1).length }
}

function mean(samples: readonly Usage[]): number {
  return samples.reduce((sum, { rss }) => sum + rss, 0) / samples.length / MIB
}
