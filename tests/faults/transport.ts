import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveGit, type GitServerFault } from '../support/git-http-server.ts'
import { runController } from './controller-run.ts'
import { isPromoted } from './goals.ts'
import { registryViolations } from './registry-invariants.ts'
import { PROMOTED } from './registry-scenarios.ts'
import type { Points, Swept } from './sweep.ts'

type Broken = { name: string; fault: GitServerFault }

/** What a server or the network between does to one answer. The request may have been carried out all the same. */
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
]

/** A controller promotes over HTTP while the n-th answer goes wrong, until a run ends that did not ask so often. */
export async function sweepTransport(
  { name, fault }: Broken,
  template: string,
  { from = 1, step = 1 }: Points = {},
): Promise<Swept> {
  const violations: string[] = []
  let points = 0
  for (let at = from; ; at += step) {
    const folder = await mkdtemp(join(tmpdir(), 'fault-'))
    await cp(template, folder, { recursive: true })
    const server = await serveGit({ root: folder })
    const location = `${server.url}/registry.git`
    try {
      server.before = () => void (server.fault = server.requests.length === at ? fault : null)
      const first = await runController(folder, { location, isDone: isPromoted }).catch(() => false)
      const isMet = server.requests.length >= at
      const wrong = (await registryViolations(folder, null)).violations
      server.before = null
      server.fault = null
      const isUp = first || (await runController(folder, { location, isDone: isPromoted }).catch(() => false))
      if (!isUp) wrong.push('INV3: not finished when the server was well again')
      wrong.push(...(await registryViolations(folder, PROMOTED)).violations)
      violations.push(...wrong.map((each) => `HTTP, ${name} at ${at}: ${each}`))
      if (!isMet) return { scenario: 'HTTP', fault: name, points, violations }
      points++
    } finally {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
