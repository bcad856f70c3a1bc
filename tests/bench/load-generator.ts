import { connect } from 'node:net'
import { apiKey } from '../support/runtime-app.ts'

/** What one run of the generator measured; latencies in milliseconds, `cpuUs` of the generator itself. */
export type LoadResult = {
  requests: number
  failures: number
  seconds: number
  p50: number
  p99: number
  cpuUs: number
}

const [port, connections, seconds, ratePerSecond, modelPort] = process.argv.slice(2, 7).map(Number) as [
  number,
  number,
  number,
  number,
  number | undefined,
]
/** Where it is given, the requests of this run are called by it and a number from 0. */
const name = process.argv[7]
const QUESTIONS = [
  'Where is my card?',
  'How do I change my PIN?',
  'My card has not arrived yet',
  'I was charged twice for one payment',
]
/** To a Runtime, or to a gateway in front of the model at `modelPort`, where that is not 0. */
const requests = QUESTIONS.map((question) =>
  !modelPort
    ? post('/execute', ['X-Tenant-Id: acme', `X-Api-Key: ${apiKey('acme')}`], { input: { question } })
    : post(
        '/v1/chat/completions',
        [
          'Authorization: Bearer none',
          'x-portkey-provider: openai',
          `x-portkey-custom-host: http://127.0.0.1:${modelPort}/v1`,
        ],
        { model: 'mock', messages: [{ role: 'user', content: question }] },
      ),
)

function post(path: string, headers: readonly string[], value: object): Buffer {
  const body = JSON.stringify(value)
  const head = ['Host: 127.0.0.1', 'Content-Type: application/json', ...headers].join('\r\n')
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

const latencies: number[] = []
let sent = 0

function named(request: Buffer): string {
  return request.toString().replace('\r\n', `\r\nX-Request-Id: ${name}${sent++}\r\n`)
}
let failures = 0
const ends = performance.now() + seconds * 1000
const pauseMs = ratePerSecond > 0 ? (connections * 1000) / ratePerSecond : 0

/** One connection: a request, its whole answer, the next request; at a steady rate where one is asked for. */
function converse(at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let answer = ''
    let due = performance.now() + (pauseMs * at) / connections
    let turn = at
    const send = () => {
      turn += 1
      if (pauseMs === 0) due = performance.now()
      const request = requests[turn % requests.length] as Buffer
      socket.write(name === undefined ? request : named(request))
    }
    const next = () => {
      if (performance.now() >= ends) {
        socket.destroy()
        resolve()
        return
      }
      if (pauseMs === 0) {
        send()
        return
      }
      due += pauseMs
      setTimeout(send, Math.max(0, due - performance.now()))
    }
    socket.on('error', reject)
    socket.on('connect', next)
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      const border = answer.indexOf('\r\n\r\n')
      if (border === -1) return
      const length = Number(/content-length: (\d+)/i.exec(answer.slice(0, border))?.[1])
      if (answer.length < border + 4 + length) return
      if (!answer.startsWith('HTTP/1.1 200')) failures += 1
      latencies.push(performance.now() - due)
      answer = ''
      next()
    })
  })
}

const from = performance.now()
await Promise.all(Array.from({ length: connections }, (_, at) => converse(at)))
latencies.sort((a, b) => a - b)
const quantile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
const result: LoadResult = {
  requests: latencies.length,
  failures,
  seconds: (performance.now() - from) / 1000,
  p50: quantile(0.5),
  p99: quantile(0.99),
  cpuUs: process.cpuUsage().user + process.cpuUsage().system,
}
process.stdout.write(JSON.stringify(result))
