import { Fault } from '../../schemas/fault.ts'
import type { Limits } from '../../schemas/limits.ts'
import type { AliasName } from '../../schemas/names.ts'
import { statusOf } from '../../schemas/reasons.ts'
import type { AuditRecord } from '../audit/record.ts'
import type { ExecutionRequest } from '../engine/execute.ts'
import type { Profile } from './actions.ts'
import { createAnswerCache } from './answer-cache.ts'
import { answerOf, type Answer, type ServedBundle } from './answer.ts'
import { authenticate, type Caller } from './authenticate.ts'
import { createDeadlines } from './deadlines.ts'
import type { RuntimeDeps } from './deps.ts'
import { answered, elapsedMs, recordOf, refused, refuseStranger, type Exchange } from './exchange.ts'
import { parseExecuteRequest } from './execute-request.ts'
import type { LimitVerdict } from './limiter.ts'
import type { LimitOutcome } from '../limits/limit-store.ts'
import { faultOf, type ResponseHeaders } from './problem.ts'
import { announcesBody, checkBodyHeaders, parseBody, readBody } from './read-body.ts'
import { createTenantContexts, type TenantContext } from './tenant-context.ts'

const USER_ID = /^[\x21-\x7e]{1,128}$/
/** Longest question text whose answer is kept. */
const MAX_CACHED_CHARS = 4_096
/** Longest body of an answer that is kept; others are made anew each time. */
const MAX_CACHED_ANSWER_CHARS = 16_384
/** Answers kept in the memory of a process, of all tenants. */
const MAX_CACHED_ANSWERS = 20_000

/** What is known of a proven caller's request so far; its audit record is made of it. */
type Pass = {
  exchange: Exchange
  caller: Caller
  context: TenantContext
  user: string | null
  served: ServedBundle | null
  answer: Answer | null
  body: Buffer | null
  headers: ResponseHeaders
}

/** A request whose bundle is resolved: with its answer, or with what it is made from. `key` is that of the cache. */
type Asked = { key: string | null; served: ServedBundle } & (
  { request: null; answer: Answer } | { request: ExecutionRequest; answer: null }
)

/** `POST /execute`: the pipeline of DESIGN section 5. Every step refuses by a Fault, and none falls through. */
export function createExecuteRoute(deps: RuntimeDeps, profile: Profile): (exchange: Exchange) => Promise<Response> {
  const { audit, limits, settings } = deps
  const contextOf = createTenantContexts(audit)
  const cache = createAnswerCache<TenantContext, { alias: AliasName; answer: Answer }>(MAX_CACHED_ANSWERS)
  const deadlines = createDeadlines(deps.monotonicMs)
  const deadlineMs = Math.min(profile.deadlineMs, settings.deadlineMs)
  const bodyLimits: Limits = {
    bytes: settings.maxBodyBytes,
    lines: settings.maxBodyBytes,
    lineLength: settings.maxBodyBytes,
    depth: 32,
    nodes: 20_000,
    keys: 1_000,
  }

  function identify({ request, connection }: Exchange): Caller {
    const { headers } = request
    if (deps.tenants.status().status === 'starting') throw new Fault('STARTING', 'the ledger has not been verified yet')
    checkBodyHeaders(headers, announcesBody(request, connection), settings.maxBodyBytes)
    const tenant = headers.get('x-tenant-id')
    const key = headers.get('x-api-key')
    if (tenant === null || key === null) {
      throw new Fault('MISSING_HEADER', `the header ${tenant === null ? 'X-Tenant-Id' : 'X-Api-Key'} is absent`)
    }
    return authenticate(deps.tenants, tenant, key, deps.now().getTime())
  }

  async function refuseUnknown(exchange: Exchange, error: unknown): Promise<Response> {
    const fault = faultOf(error)
    if (fault.reason !== 'UNAUTHENTICATED') return refuseStranger(deps, exchange, fault)
    const verdict = await limits.takeInvalid()
    if (verdict.isAllowed) return refuseStranger(deps, exchange, fault)
    return refuseStranger(deps, exchange, rateLimited(verdict))
  }

  /** @param user as the request names it */
  async function takeLimit({ caller, context, headers }: Pass, user: string | null): Promise<void> {
    if (context.limits instanceof Fault) throw context.limits
    const { tenant } = caller.tenant.state
    const counted = limits.take({ tenant, keyId: caller.keyId, user, ...context.limits })
    const outcome = counted instanceof Promise ? await counted : counted
    headers['x-ratelimit-limit'] = String(outcome.limit)
    headers['x-ratelimit-remaining'] = String(outcome.remaining)
    throwRefusal(outcome)
  }

  /** The candidate's own policy, over requests for it alone; those count among all of the tenant, too. */
  async function takeCandidateLimit({ caller, context, headers }: Pass, user: string | null): Promise<void> {
    if (context.candidateLimits instanceof Fault) throw context.candidateLimits
    const tenant = `${caller.tenant.state.tenant} candidate`
    const outcome = await limits.take({ tenant, keyId: caller.keyId, user, ...context.candidateLimits })
    if (outcome.refusedBy === null && outcome.remaining >= Number(headers['x-ratelimit-remaining'])) return
    headers['x-ratelimit-limit'] = String(outcome.limit)
    headers['x-ratelimit-remaining'] = String(outcome.remaining)
    throwRefusal(outcome)
  }

  function checkFreshness({ context }: Pass): void {
    const { status, age_s } = deps.tenants.status()
    if (status !== 'expired' && age_s * 1000 <= context.maxStalenessMs) return
    throw new Fault('STALE', `the controller was last heard of ${Math.round(age_s)} s ago`)
  }

  function resolve(pass: Pass, alias: 'current' | 'candidate' | 'draft'): ServedBundle {
    if (alias === 'draft') throw new Fault('FORBIDDEN', 'draft is never executed; try it with `contractor try`')
    const scope = alias === 'current' ? 'execute' : 'execute:candidate'
    if (!pass.caller.scopes.has(scope)) throw new Fault('FORBIDDEN', `the key lacks the scope ${scope}`)
    const served = pass.caller.tenant.aliases[alias]
    if (served === undefined) {
      throw new Fault('NO_CURRENT_BUNDLE', `the tenant has no bundle under ${alias}; promote one`)
    }
    if (served.kind === 'refused') throw new Fault(served.reason, served.message)
    pass.served = served
    return served
  }

  /** What the body asks for, and the answer where it is known. The bundle that answers is resolved either way. */
  function look(pass: Pass, body: Buffer): Asked {
    const { caller, context, exchange } = pass
    const isExplained = caller.scopes.has('explain')
    const key = body.length <= MAX_CACHED_CHARS ? `${isExplained ? 'explain' : ''}\n${body.toString()}` : null
    const known = key === null ? null : cache.get(context, key, exchange.startedMs)
    if (known !== null) {
      const served = resolve(pass, known.alias)
      if (served === known.answer.served) return { key, served, request: null, answer: known.answer }
    }
    const request = { ...parseExecuteRequest(parseBody(body, bodyLimits)), explain: isExplained }
    return { key, served: resolve(pass, request.alias), request, answer: null }
  }

  function execute({ caller, context, exchange }: Pass, asked: Asked): Answer {
    if (asked.answer !== null) return asked.answer
    const { key, served, request } = asked
    const { state } = caller.tenant
    const execution = deps.execute(served.bundle, request, state.values)
    const answer = answerOf(state.tenant, served, execution, request.input, context.commitments)
    const policy = served.bundle.policies.cache
    const isKept = policy?.enabled === true && answer.body.length <= MAX_CACHED_ANSWER_CHARS
    if (key !== null && isKept) {
      const expiresMs = exchange.startedMs + policy.ttl_s * 1000
      cache.put(context, key, { alias: request.alias, answer }, { expiresMs, maxEntries: policy.max_entries })
    }
    return answer
  }

  function checkDeadline({ exchange }: Pass): void {
    if (elapsedMs(deps, exchange) <= deadlineMs) return
    throw new Fault('REQUEST_TIMEOUT', `the request took longer than ${deadlineMs} ms`)
  }

  async function run(pass: Pass): Promise<Answer> {
    const { request, connection } = pass.exchange
    const user = request.headers.get('x-user-id')
    if (user !== null) {
      if (!USER_ID.test(user)) throw new Fault('REQUEST_INVALID', 'X-User-Id must be 1 to 128 visible ASCII characters')
      pass.user = pass.context.commitments.ofUser(user)
    }
    await takeLimit(pass, user)
    if (!profile.scopes.some((scope) => pass.caller.scopes.has(scope))) {
      throw new Fault('FORBIDDEN', `the key lacks the scope ${profile.scopes[0] ?? ''}`)
    }
    checkFreshness(pass)
    const atMs = pass.exchange.startedMs + deadlineMs
    const body = await readBody(request, connection, { maxBytes: settings.maxBodyBytes, deadlines, atMs })
    if (connection.outgoing?.destroyed === true) throw new Fault('REQUEST_ABORTED', 'the client went away')
    pass.body = body
    const asked = look(pass, body)
    if (asked.served === pass.caller.tenant.aliases.candidate) await takeCandidateLimit(pass, user)
    pass.answer = execute(pass, asked)
    checkDeadline(pass)
    return pass.answer
  }

  function passRecord(pass: Pass, base: AuditRecord): AuditRecord {
    const { served, answer, caller } = pass
    base.tenant = caller.tenant.state.tenant
    base.key_id = caller.keyId
    base.user = pass.user
    base.policies = caller.tenant.policies
    if (caller.tenant.values !== null) base.values = caller.tenant.values
    if (served !== null) {
      base.bundle = `${served.state.bundle}@${served.state.version}`
      base.digest = served.state.digest
    }
    if (answer !== null) {
      base.intent = answer.intent
      base.routing = answer.routing
      base.input_commitment = answer.inputCommitment
      base.output_commitment = answer.outputCommitment
      base.redacted = answer.redacted
    }
    return base
  }

  function offerToShadow({ exchange, caller, context, body }: Pass, answer: Answer): void {
    if (body === null) return
    deps.shadow.offer({
      tenant: caller.tenant,
      requestId: exchange.requestId,
      answer,
      commitments: context.commitments,
      request: () => parseExecuteRequest(parseBody(body, bodyLimits)),
      bytes: body.length,
      outgoing: exchange.connection.outgoing,
    })
  }

  async function refuseCaller(pass: Pass, error: unknown): Promise<Response> {
    const fault = faultOf(error)
    const { exchange, caller } = pass
    const status = statusOf(fault.reason)
    if (fault.reason === 'RATE_LIMITED' || fault.reason === 'QUOTA_EXCEEDED') {
      const { tenant } = caller.tenant.state
      const { action, profile: name, requestId } = exchange
      const ms = elapsedMs(deps, exchange)
      deps.denials.add({
        action,
        profile: name,
        reason: fault.reason,
        status,
        tenant,
        keyId: caller.keyId,
        requestId,
        policies: caller.tenant.policies,
        ms,
      })
      return refused(deps, exchange, fault, pass.headers)
    }
    pass.answer = null
    try {
      await audit.append(passRecord(pass, recordOf(deps, exchange, fault.reason, status)))
    } catch (auditError) {
      return refused(deps, exchange, auditError, pass.headers)
    }
    return refused(deps, exchange, fault, pass.headers)
  }

  return async (exchange) => {
    let caller: Caller
    try {
      caller = identify(exchange)
    } catch (error) {
      return refuseUnknown(exchange, error)
    }
    const headers: ResponseHeaders = {}
    const context = contextOf(caller.tenant)
    const pass: Pass = { exchange, caller, context, user: null, served: null, answer: null, body: null, headers }
    let answer: Answer
    try {
      answer = await run(pass)
    } catch (error) {
      return refuseCaller(pass, error)
    }
    const { tenant } = caller.tenant.state
    try {
      await audit.append(passRecord(pass, recordOf(deps, exchange, 'ALLOWED', 200)))
    } catch (error) {
      deps.metrics.executed(tenant, false)
      return refused(deps, exchange, error, headers)
    }
    deps.metrics.executed(tenant, pass.served === caller.tenant.aliases.current)
    if (caller.tenant.state.shadow !== undefined) offerToShadow(pass, answer)
    headers['content-type'] = 'application/json'
    headers['cache-control'] = 'no-store'
    headers['x-request-id'] = exchange.requestId
    const body = `{"request_id":"${exchange.requestId}",${answer.body}`
    return answered(deps, exchange, 'ALLOWED', new Response(body, { status: 200, headers }))
  }
}

function throwRefusal(outcome: LimitOutcome): void {
  if (outcome.refusedBy === 'limit') throw rateLimited(outcome)
  if (outcome.refusedBy === null) return
  const { limit, retryAfterS } = outcome
  throw new Fault('QUOTA_EXCEEDED', `the quota of ${limit} requests is used up`, { retryAfterS })
}

function rateLimited(verdict: LimitVerdict): Fault {
  return new Fault('RATE_LIMITED', `${verdict.limit} requests a minute are allowed`, {
    retryAfterS: verdict.retryAfterS,
  })
}
