import { Hono } from 'hono'
import { createDeadlines } from '../../runtime/http/deadlines.ts'
import { announcesBody, checkBodyHeaders, parseBody, readBody } from '../../runtime/http/read-body.ts'
import { Fault } from '../../schemas/fault.ts'
import { parseCheckpointReport, type Fleet, type RuntimeView } from '../../schemas/http/fleet.ts'
import type { Limits } from '../../schemas/limits.ts'
import type { Witness } from '../witness/witness.ts'
import { callerOf, type Caller, type CallerDeps } from './caller.ts'

const MAX_BYTES = 1_048_576
const DEADLINE_MS = 10_000
const LIMITS: Limits = {
  bytes: MAX_BYTES,
  lines: MAX_BYTES,
  lineLength: MAX_BYTES,
  depth: 6,
  nodes: 20_000,
  keys: 10_000,
}

/** What Runtimes report, and what is known of them (DESIGN sections 5 and 6). */
export function auditRoutes(deps: CallerDeps & { witness: Witness }) {
  const { witness } = deps
  const monotonicMs = () => performance.now()
  const deadlines = createDeadlines(monotonicMs)
  return new Hono()
    .post('/v1/audit/checkpoints', async (c) => {
      const request = c.req.raw
      const caller = callerOf(request.headers, 'checkpoints:write', deps)
      checkBodyHeaders(request.headers, announcesBody(request, {}), MAX_BYTES)
      const atMs = monotonicMs() + DEADLINE_MS
      const body = await readBody(request, {}, { maxBytes: MAX_BYTES, deadlines, atMs })
      return c.json(await witness.report(parseCheckpointReport(parseBody(body, LIMITS)), reporterOf(caller)))
    })
    .get('/v1/audit/checkpoints', (c) => {
      const caller = callerOf(c.req.raw.headers, 'checkpoints:write', deps)
      const seen = witness.seen(c.req.query('origin') ?? '')
      if (seen === null || seen.reporter !== reporterOf(caller))
        throw new Fault('NOT_FOUND', 'no checkpoint of this log was witnessed for this key')
      const { reporter: _, ...known } = seen
      return c.json(known)
    })
    .get('/v1/runtimes', (c) => {
      const caller = callerOf(c.req.raw.headers, 'operations:read', deps)
      const fleet: Fleet = {
        seq: deps.head().seq,
        witness: witness.verifier,
        runtimes: witness.runtimes().map((view) => visibleTo(caller, view)),
      }
      return c.json(fleet)
    })
}

const reporterOf = (caller: Caller): string =>
  caller.kind === 'operator' ? 'operator' : `tenant:${caller.state.tenant}`

/** A tenant sees of each Runtime only the bundles that its own aliases hold. */
function visibleTo(caller: Caller, view: RuntimeView): RuntimeView {
  if (caller.kind === 'operator') return view
  const { tenant } = caller.state
  const seen = { ...view, shadow: view.shadow.filter((count) => count.tenant === tenant) }
  if (view.serves === null) return seen
  const held = new Set(Object.values(caller.state.aliases).map(({ digest }) => digest))
  const own = <Value>(all: Record<string, Value>) =>
    Object.fromEntries(Object.entries(all).filter(([digest]) => held.has(digest)))
  const { digests, refused } = view.serves
  return { ...seen, serves: { ...view.serves, digests: own(digests), refused: own(refused) } }
}
