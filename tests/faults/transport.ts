import type { IncomingMessage } from 'node:http'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { serveGit, type GitServer, type GitServerFault } from '../support/git-http-server.ts'
import { runController } from './controller-run.ts'
import { copyFolderSync } from './copy-folder.ts'
import { isPromoted } from './goals.ts'
import { registryViolations } from './registry-invariants.ts'
import { PROMOTED, promotion } from './registry-scenarios.ts'
import { runFollower } from './runtime-run.ts'
import { runtime, SERVED_AFTER, SERVED_BEFORE } from './runtime-scenario.ts'
import type { Scenario } from './scenario.ts'
import type { Points, Swept } from './sweep.ts'
import { makeWorkplace } from './workplace.ts'

type Broken = {
  name: string
  /** What is wrong with the answer to a request, or with all from it on. */
  fault?: GitServerFault
  /** Whether a read is answered from yesterday's repository; both are counted from 1. */
  yesterday?: (request: number, at: number) => boolean
}

/** What a server, a mirror or the network between does to an answer. The request may have been carried out all the same. */
export const TRANSPORT_FAULTS: readonly Broken[] = [
  { name: 'refused', fault: { kind: 'status', status: 503 } },
  { name: 'too many', fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } } },
  { name: 'hangs', fault: { kind: 'hang' } },
  { name: 'answer lost', fault: { kind: 'cut', at: 0 } },
  { name: 'cut', fault: { kind: 'cut', at: 300 } },
  { name: 'ends early', fault: { kind: 'early-end', at: 300 } },
  { name: 'bit flipped', fault: { kind: 'flip', at: 60 } },
  { name: 'trailer bit', fault: { kind: 'flip', at: -10 } },
  { name: 'stalls', fault: { kind: 'hang-after', at: 200 } },
  { name: 'trickles', fault: { kind: 'trickle', everyMs: 4 } },
  { name: 'yesterday once', yesterday: (request, at) => request === at },
  { name: 'yesterday from', yesterday: (request, at) => request >= at },
  { name: 'alternates', yesterday: (request, at) => request >= at && request % 2 === at % 2 },
]

/** Who asks the server: what it does, and what must hold while the server is broken and when it is well again. */
type Client = {
  name: string
  scenario: Scenario
  run(folder: string, location: string): Promise<boolean>
  violations(folder: string, location: string, isWell: boolean): Promise<string[]>
}

const controller: Client = {
  name: 'HTTP',
  scenario: promotion,
  run: (folder, location) =>
    runController(folder, { location, isDone: isPromoted, timeoutMs: 5000 }).catch(() => false),
  violations: async (folder, _, isWell) => (await registryViolations(folder, isWell ? PROMOTED : null)).violations,
}

const follower: Client = {
  name: 'HTTP, Runtime',
  scenario: runtime,
  async run(folder, location) {
    const seen = await runFollower(folder, SERVED_AFTER.version, { location })
    return JSON.stringify(seen) === JSON.stringify(SERVED_AFTER)
  },
  async violations(folder, location, isWell) {
    const offline = await runFollower(folder, SERVED_AFTER.version, { location, isAway: true })
    const isKept = JSON.stringify(offline) === JSON.stringify(isWell ? SERVED_AFTER : SERVED_BEFORE)
    if (isKept || JSON.stringify(offline) === JSON.stringify(SERVED_AFTER)) return []
    return [`INV5, INV6: what it holds is ${JSON.stringify(offline)}`]
  },
}

export const CLIENTS = [controller, follower] as const

/** A client does its work over HTTP while the n-th answer goes wrong, until a run ends that did not ask so often. */
export async function sweepTransport(
  client: Client,
  { name, fault, yesterday }: Broken,
  template: string,
  { from = 1, step = 1 }: Points = {},
): Promise<Swept> {
  const violations: string[] = []
  let points = 0
  for (let at = from; ; at += step) {
    const parent = await makeWorkplace()
    const folder = join(parent, 'work')
    copyFolderSync(template, folder)
    const server = await serveGit({ root: folder })
    const location = `${server.url}/registry.git`
    try {
      server.before = (request) => {
        const count = server.requests.length
        if (yesterday?.(count, at) === true) askYesterday(request)
        server.fault = count === at ? (fault ?? null) : null
      }
      const first = await client.run(folder, location)
      const isMet = server.requests.length >= at
      const wrong = await client.violations(folder, location, false)
      makeWell(server)
      const isUp = first || (await client.run(folder, location))
      if (!isUp) wrong.push('INV3: not finished when the server was well again')
      wrong.push(...(await client.violations(folder, location, true)))
      violations.push(...wrong.map((each) => `${client.name}, ${name} at ${at}: ${each}`))
      if (!isMet) return { scenario: client.name, fault: name, points, violations }
      points++
    } finally {
      await server.close()
      rmSync(parent, { recursive: true, force: true })
    }
  }
}

function makeWell(server: GitServer): void {
  server.before = null
  server.fault = null
}

/** A mirror or a cache answers reads; a push goes to the server itself. */
function askYesterday(request: IncomingMessage): void {
  if (request.url?.includes('git-receive-pack') === false)
    request.url = request.url.replace('/registry.git/', '/yesterday.git/')
}
