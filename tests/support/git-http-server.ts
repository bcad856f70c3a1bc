import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What goes wrong, once or for as long as it is set, in answers to requests whose URL contains `on`. */
export type GitServerFault = { on?: string } & (
  | { kind: 'cut'; at: number }
  | { kind: 'early-end'; at: number }
  | { kind: 'flip'; at: number }
  | { kind: 'rewrite'; rewrite: (body: Buffer) => Buffer }
  | { kind: 'hang' }
  | { kind: 'hang-after'; at: number }
  | { kind: 'trickle'; everyMs: number }
  | { kind: 'endless' }
  | { kind: 'status'; status: number; headers?: Record<string, string> }
)

export type GitServer = {
  /** Base URL: `<url>/registry.git` is the repository `registry.git` below `root`. */
  url: string
  /** One line per request: method and URL. */
  requests: string[]
  /** `authorization` headers as they came. */
  authorizations: (string | undefined)[]
  fault: GitServerFault | null
  /** Called before a request is answered: a place to move refs between two requests. */
  before: ((request: IncomingMessage) => void | Promise<void>) | null
  close: () => Promise<void>
}

/** Smart HTTP through stock `git http-backend`; push is allowed. */
export async function serveGit({ root, authorization }: { root: string; authorization?: string }): Promise<GitServer> {
  const http = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  const state: GitServer = { url: '', requests: [], authorizations: [], fault: null, before: null, close }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    state.requests.push(`${request.method} ${request.url}`)
    state.authorizations.push(request.headers.authorization)
    await state.before?.(request)
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401).end()
      return
    }
    const fault = state.fault !== null && (request.url ?? '').includes(state.fault.on ?? '') ? state.fault : null
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end()
      return
    }
    const { status, headers, body } = await runBackend(root, request)
    response.writeHead(status, headers)
    await deliver(response, body, fault)
  }

  async function close(): Promise<void> {
    http.closeAllConnections()
    await new Promise<void>((resolve) => http.close(() => resolve()))
  }

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return state
}

async function deliver(response: ServerResponse, body: Buffer, fault: GitServerFault | null): Promise<void> {
  switch (fault?.kind) {
    case 'cut':
      response.write(body.subarray(0, fault.at), () => response.destroy())
      return
    case 'early-end':
      response.end(body.subarray(0, fault.at))
      return
    case 'flip': {
      const at = fault.at < 0 ? body.length + fault.at : fault.at
      const changed = Buffer.from(body)
      changed[at] = (changed[at] ?? 0) ^ 1
      response.end(changed)
      return
    }
    case 'rewrite':
      response.end(fault.rewrite(body))
      return
    case 'hang-after':
      response.write(body.subarray(0, fault.at))
      return
    case 'trickle': {
      let at = 0
      const timer = setInterval(() => {
        if (response.destroyed || at >= body.length) clearInterval(timer)
        else response.write(body.subarray(at, ++at))
      }, fault.everyMs)
      return
    }
    case 'endless': {
      const chunk = Buffer.alloc(256 * 1024)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      response.write(body)
      more()
      return
    }
    default:
      response.end(body)
  }
}

type Answer = { status: number; headers: Record<string, string>; body: Buffer }

function runBackend(root: string, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const git = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      REMOTE_USER: 'test',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  git.stdin.on('error', () => undefined)
  request.pipe(git.stdin)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    git.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    git.on('error', reject)
    git.on('close', () => resolve(parseCgi(Buffer.concat(chunks))))
  })
}

function parseCgi(output: Buffer): Answer {
  const end = output.indexOf('\r\n\r\n')
  const headers: Record<string, string> = {}
  for (const line of output.toString('latin1', 0, Math.max(end, 0)).split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const { status = '200', ...rest } = headers
  return { status: Number.parseInt(status, 10), headers: rest, body: output.subarray(end + 4) }
}
