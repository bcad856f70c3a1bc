import { Hono } from 'hono'
import { createDeadlines } from '../../runtime/http/deadlines.ts'
import { announcesBody, checkBodyHeaders, parseBody, readBody } from '../../runtime/http/read-body.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import { parseGateRunRequest, type GateRun, type GateRunRequest } from '../../schemas/http/gate-run.ts'
import type { Limits } from '../../schemas/limits.ts'
import { NAME } from '../../schemas/names.ts'
import type { GateService } from '../gate-service/gate-service.ts'
import { sealedSubject, sourceSubject, type RunSubject } from '../gate-service/subject.ts'
import { callerOf, type Caller, type CallerDeps } from './caller.ts'
import { visibleSeals } from './visible-seals.ts'

export type GateRouteDeps = CallerDeps & { reader: ObjectReader; gateService: GateService }

const MAX_BYTES = 4_096
const DEADLINE_MS = 10_000
const LIMITS: Limits = { bytes: MAX_BYTES, lines: 100, lineLength: MAX_BYTES, depth: 2, nodes: 20, keys: 10 }
const RUN_ID = /^[0-9a-f]{64}$/
const PAGE = 50
const MAX_PAGE = 200

/** Runs of the gates that people ask for (ADR 0016). A tenant's key may ask about sealed versions of bundles that its aliases hold. */
export function gateRoutes(deps: GateRouteDeps) {
  const { gateService } = deps
  const monotonicMs = () => performance.now()
  const deadlines = createDeadlines(monotonicMs)
  return new Hono()
    .post('/v1/gates/runs', async (c) => {
      const request = c.req.raw
      const caller = callerOf(request.headers, 'gates:run', deps)
      checkBodyHeaders(request.headers, announcesBody(request, {}), MAX_BYTES)
      const body = await readBody(request, {}, { maxBytes: MAX_BYTES, deadlines, atMs: monotonicMs() + DEADLINE_MS })
      const subject = await subjectOf(deps, caller, parseGateRunRequest(parseBody(body, LIMITS)))
      const run = await gateService.ask(subject, askerOf(caller))
      c.header('Location', `/v1/gates/runs/${run.id}`)
      return c.json(viewFor(caller, run), run.status === 'finished' ? 200 : 202)
    })
    .get('/v1/gates/runs', async (c) => {
      const caller = callerOf(c.req.raw.headers, 'gates:run', deps)
      const query = queryOf(c.req.query())
      const isVisible = visibilityOf(deps, caller)
      const { runs, next } = await gateService.history(query, isVisible)
      const isOfBundle = (run: GateRun) => query.bundle === null || run.bundle === query.bundle
      const open = query.after === null ? gateService.open().filter((run) => isOfBundle(run) && isVisible(run)) : []
      return c.json({ runs: [...open, ...runs].map((run) => viewFor(caller, run)), next })
    })
    .get('/v1/gates/runs/:id', async (c) => {
      const caller = callerOf(c.req.raw.headers, 'gates:run', deps)
      const { id } = c.req.param()
      const run = RUN_ID.test(id) ? await gateService.find(id) : null
      if (run === null || !visibilityOf(deps, caller)(run)) throw new Fault('NOT_FOUND', 'there is no such gate run')
      const bytes = run.report === null ? null : await gateService.report(run.report)
      const result = bytes === null ? null : (JSON.parse(bytes.toString('utf8')) as unknown)
      return c.json({ ...viewFor(caller, run), result })
    })
}

async function subjectOf({ head, reader }: GateRouteDeps, caller: Caller, body: GateRunRequest): Promise<RunSubject> {
  if ('commit' in body) {
    if (caller.kind === 'operator') return sourceSubject(reader, head(), body.bundle, body.commit)
    throw new Fault('FORBIDDEN', 'a commit may hold what is not sealed yet: only the operator may ask for one')
  }
  const { bundle, version } = body
  const seal = visibleSeals(head(), caller).find((each) => each.bundle === bundle && each.version === version)
  if (seal === undefined) throw new Fault('NOT_FOUND', `there is no sealed bundle ${bundle} ${version}`)
  return sealedSubject(head(), seal)
}

const askerOf = (caller: Caller): string => (caller.kind === 'operator' ? 'operator' : `tenant:${caller.state.tenant}`)

/** A tenant sees the runs over sources that are sealed and that it may see, whoever asked for them. */
function visibilityOf({ head }: GateRouteDeps, caller: Caller): (run: GateRun) => boolean {
  if (caller.kind === 'operator') return () => true
  const sources = new Set(visibleSeals(head(), caller).map((seal) => `${seal.bundle} ${seal.source_digest}`))
  return (run) => sources.has(`${run.bundle} ${run.source_digest}`)
}

/** Nobody but the operator learns who else asked, or which commit they named. */
function viewFor(caller: Caller, run: GateRun): Omit<GateRun, 'asked_by'> & { asked_by: string | null } {
  if (caller.kind === 'operator' || run.asked_by === askerOf(caller)) return run
  return { ...run, asked_by: null, commit: null }
}

function queryOf({ bundle, limit = String(PAGE), after }: Record<string, string>) {
  if (bundle !== undefined && !NAME.test(bundle))
    throw new Fault('REQUEST_INVALID', 'bundle: expected the name of a bundle')
  const size = /^[1-9]\d{0,2}$/.test(limit) ? Number(limit) : Number.NaN
  if (!(size <= MAX_PAGE)) throw new Fault('REQUEST_INVALID', `limit: expected a whole number from 1 to ${MAX_PAGE}`)
  return { bundle: bundle ?? null, limit: size, after: after ?? null }
}
