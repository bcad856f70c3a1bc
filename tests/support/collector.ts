import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Collected = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

/** A server that keeps what it is sent, and answers as the test says. */
export type Collector = {
  url: string
  requests: Collected[]
  /** What comes next is answered so; `hang` never answers. */
  answer: { status: number; headers?: Record<string, string>; body?: string } | 'hang'
  close(): Promise<void>
}

export async function openCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      collector.requests.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') })
      if (collector.answer === 'hang') return
      const { status, headers: more = {}, body = '' } = collector.answer
      response.writeHead(status, more).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/logs`,
    requests: [],
    answer: { status: 200 },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return collector
}
