import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export type ForgeRequest = { method: string; path: string; headers: IncomingHttpHeaders; body: Record<string, unknown> }
export type ForgeAnswer = { status: number; headers?: Record<string, string>; body?: string }

export type ForgeServer = {
  url: string
  requests: ForgeRequest[]
  /** What it answers; by default that a status was made. Null hangs. */
  answer: (request: ForgeRequest) => ForgeAnswer | null
  close: () => Promise<void>
}

/** A local server in the place of a forge's API, which keeps what it was asked. */
export async function serveForge(): Promise<ForgeServer> {
  const http = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming
      const text = Buffer.concat(chunks).toString('utf8')
      const request = { method, path, headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
      state.requests.push(request)
      const answer = state.answer(request)
      if (answer !== null) outgoing.writeHead(answer.status, answer.headers).end(answer.body ?? '{}')
    })
  })
  const state: ForgeServer = {
    url: '',
    requests: [],
    answer: () => ({ status: 201 }),
    async close() {
      http.closeAllConnections()
      await new Promise<void>((resolve) => http.close(() => resolve()))
    },
  }
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return state
}
