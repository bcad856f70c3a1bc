import { createConnection, type Socket } from 'node:net'
import { createLimiter } from '../../runtime/http/limiter.ts'
import { listen, SERVER_LIMITS } from '../../runtime/http/listen.ts'
import { createQuotas } from '../../runtime/http/quota.ts'
import { createMemoryStore } from '../../runtime/limits/memory-store.ts'
import { AUTH_FAILURES, AUTH_TENANTS } from '../support/auth-failures.ts'
import { seededNumbers } from '../support/seeded-numbers.ts'
import { testRuntime } from '../support/runtime-app.ts'

const SAMPLES = 4_000
const WARM_UP = 300

/** One request after the other over one connection. @returns microseconds until the whole answer was there */
async function timed(socket: Socket, request: string): Promise<number> {
  const from = process.hrtime.bigint()
  let text = ''
  const answered = new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1]
      if (head === -1 || length === undefined || text.length < head + 4 + Number(length)) return
      socket.off('data', onData).off('close', onClose)
      resolve()
    }
    const onClose = () => reject(new Error('the connection was closed'))
    socket.on('data', onData).on('close', onClose)
  })
  socket.write(request)
  await answered
  if (!text.startsWith('HTTP/1.1 401')) throw new Error(`expected 401, found ${text.slice(0, 60)}`)
  return Number(process.hrtime.bigint() - from) / 1000
}

function requestOf(tenant: string, key: string): string {
  const body = '{"input":{"question":"when will my card arrive"}}'
  const headers = `Host: x\r\nX-Tenant-Id: ${tenant}\r\nX-Api-Key: ${key}\r\nX-Request-Id: same\r\n`
  return `POST /execute HTTP/1.1\r\n${headers}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Of one kind alone: how far the medians of two random halves of its samples are apart. */
function noise(values: readonly number[]): number {
  return Math.abs(median(values.filter((_, at) => at % 2 === 0)) - median(values.filter((_, at) => at % 2 === 1)))
}

/**
 * Every kind of failed authentication against a Runtime on a socket, in random order, so that what disturbs the machine
 * disturbs all kinds alike. Names and keys of one kind have the same length as of another wherever that is possible.
 */
export async function run(): Promise<string> {
  const limiter = createLimiter(() => performance.now(), 100_000_000)
  const limits = createMemoryStore({ limiter, quotas: createQuotas(), now: () => new Date() })
  const runtime = await testRuntime({ limits })
  for (const [name, tenant] of AUTH_TENANTS) runtime.tenants.set(name, tenant)
  const options = { host: '127.0.0.1', port: 0, limits: { ...SERVER_LIMITS, maxRequestsPerSocket: 0 } }
  const server = await listen((request, env) => runtime.app.fetch(request, env), {
    ...options,
    isDraining: () => false,
  })
  const socket = createConnection(server.port, '127.0.0.1').setNoDelay(true)
  const kinds = AUTH_FAILURES.map(([kind, tenant, key]) => ({
    kind,
    request: requestOf(tenant, key),
    us: [] as number[],
  }))
  const random = seededNumbers(7)
  try {
    for (let round = 0; round < WARM_UP + SAMPLES; round += 1) {
      const order = kinds.map((kind) => ({ kind, at: random(2 ** 30) })).sort((a, b) => a.at - b.at)
      for (const { kind } of order) {
        const us = await timed(socket, kind.request)
        if (round >= WARM_UP) kind.us.push(us)
      }
    }
  } finally {
    socket.destroy()
    await server.drain(100)
    await runtime.close()
  }
  const all = median(kinds.flatMap(({ us }) => us))
  const rows = kinds.map(({ kind, us }) => ({ kind, median: median(us), noise: noise(us) }))
  const floor = Math.max(...rows.map((row) => row.noise))
  const worst = Math.max(...rows.map((row) => Math.abs(row.median - all)))
  const lines = rows.map(
    (row) => `| ${row.kind} | ${row.median.toFixed(1)} | ${(row.median - all).toFixed(2)} | ${row.noise.toFixed(2)} |`,
  )
  return `${SAMPLES} samples of each kind, interleaved at random, over one connection.

| failure | median µs | from the median of all | between halves of its own samples |
|---|---|---|---|
${lines.join('\n')}

Largest distance ${worst.toFixed(2)} µs (${((worst / all) * 100).toFixed(2)} %), noise ${floor.toFixed(2)} µs: ${
    worst <= Math.max(3 * floor, 0.02 * all)
      ? 'no kind can be told from another by its median'
      : 'A KIND CAN BE TOLD BY ITS MEDIAN'
  }`
}
