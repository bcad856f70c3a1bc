import * as http from 'node:http'
import * as https from 'node:https'
import type { CommitStatus } from './commit-status.ts'
import { postedBy, type Posted } from './status-answer.ts'
import { statusRequest, type ForgeProject } from './status-request.ts'

export type ForgeApi = ForgeProject & {
  /** Base of the API, such as `https://api.github.com`; from the operator's configuration only. */
  api: string
  token: string
}

export type ForgeClient = { post: (status: CommitStatus) => Promise<Posted>; close: () => void }

const TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 65_536

/** Sets statuses through the API of one forge and asks nobody else: no redirects, no proxies. Never throws. */
export function openForgeClient(
  { api, token, kind, project }: ForgeApi,
  now: () => Date,
  timeoutMs: number = TIMEOUT_MS,
): ForgeClient {
  const transport = api.startsWith('https:') ? https : http
  const agent = new transport.Agent({ keepAlive: true, maxSockets: 2 })
  return {
    post(status) {
      const { path, headers, body } = statusRequest({ kind, project }, token, status)
      return new Promise((resolve) => {
        const away = (why: string) => resolve({ kind: 'forge-refuses', why, afterMs: null })
        const sent = transport.request(`${api.replace(/\/+$/, '')}${path}`, {
          method: 'POST',
          agent,
          signal: AbortSignal.timeout(timeoutMs),
          headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        })
        sent.on('error', (error) => away(reasonOf(error)))
        sent.on('response', (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            if (text.length < MAX_ANSWER_BYTES) text += chunk
            else response.destroy()
          })
          response.on('error', (error) => away(reasonOf(error)))
          response.on('close', () => {
            const given = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
            const answer = { status: response.statusCode ?? 0, headers: Object.fromEntries(given), body: text }
            resolve(postedBy(kind, answer, now()))
          })
        })
        sent.end(body)
      })
    },
    close: () => agent.destroy(),
  }
}

function reasonOf(error: Error): string {
  if (['AbortError', 'TimeoutError'].includes(error.name)) return 'it did not answer in time'
  return 'code' in error && typeof error.code === 'string'
    ? `it cannot be reached (${error.code})`
    : 'it cannot be reached'
}
