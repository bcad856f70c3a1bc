import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../runtime/audit/record.ts'
import type { Execution, ExecutionRequest } from '../../../runtime/engine/execute.ts'
import { createShadow, WAITING, type Shadow, type ShadowDeps } from '../../../runtime/shadow/shadow.ts'
import { Fault } from '../../../schemas/fault.ts'
import { eventually } from '../../support/eventually.ts'
import {
  aliasState,
  anExecution,
  ask,
  scriptedBundle,
  servedBundle,
  servedTenant,
  testRuntime,
  type TestRuntime,
} from '../../support/runtime-app.ts'

const QUESTION = 'CANARY_question when will my card arrive'
const NEW = `sha256:${'9'.repeat(64)}`
const candidate = servedBundle(scriptedBundle(), aliasState({ version: '1.1.0', digest: NEW }))
const shadowed = (percent = 100) => servedTenant({ shadow: { alias: 'candidate', percent } }, { candidate })

let runtime: TestRuntime
let shadow: Shadow
let outcomes: string[]
let ran: ExecutionRequest[]
/** What the candidate answers. */
let answers: () => Execution

beforeEach(async () => {
  outcomes = []
  ran = []
  answers = () => anExecution()
  runtime = await testRuntime()
  runtime.tenants.set('acme', shadowed())
  shadow = over({})
})
afterEach(async () => {
  await shadow.stop()
  await runtime.close()
})

/** Puts a real shadow behind the routes, with some parts replaced. */
function over(changes: Partial<ShadowDeps>): Shadow {
  const { deps } = runtime
  const made = createShadow({
    tenants: deps.tenants,
    execute: (_bundle, request) => {
      ran.push(request)
      return answers()
    },
    monotonicMs: () => performance.now(),
    audit: deps.audit,
    origin: () => ({ ts: deps.now().toISOString(), node: 'node-1', runtime_version: '1.0.0' }),
    onOutcome: (tenant, outcome) => void outcomes.push(`${tenant} ${outcome}`),
    ...changes,
  })
  deps.shadow = { offer: (offer) => made.offer(offer) }
  return made
}

const execute = async (init = ask({ input: { question: QUESTION } })) =>
  (await runtime.app.request('/execute', init)).status
const settled = (count: number) =>
  eventually(
    async () => outcomes.length,
    (found) => found === count,
  )

async function shadowRecords(): Promise<AuditRecord[]> {
  return ((await runtime.records()) as unknown as AuditRecord[]).filter(({ phase }) => phase === 'shadow')
}

describe('a candidate in the shadow of current', () => {
  it('is run with the same question, and that it agreed is recorded without the question', async () => {
    expect(await execute(ask({ input: { question: QUESTION } }, { 'x-request-id': 'r-1' }))).toBe(200)
    await settled(1)
    expect(outcomes).toEqual(['acme agreed'])
    expect(ran).toEqual([{ input: { question: QUESTION }, intent: null, alias: 'current', explain: false }])
    const [record] = await shadowRecords()
    expect(record).toMatchObject({
      request_id: 'r-1',
      reason_code: 'SHADOW_AGREED',
      digest: NEW,
      against: aliasState().digest,
      bundle: 'faq@1.1.0',
      tenant: 'acme',
    })
    expect(JSON.stringify(await runtime.records())).not.toContain('CANARY')
  })

  it.each([
    ['another intent', () => anExecution({ intent: 'lost_card' }), 200],
    ['another output', () => anExecution({ output: { answer: 'In 9 days.' } }), 200],
    [
      'a refusal',
      () => {
        throw new Fault('INPUT_INVALID', 'no')
      },
      422,
    ],
    [
      'a fault of the software',
      () => {
        throw new TypeError('no')
      },
      500,
    ],
  ])('differs by %s', async (_name, answered, status) => {
    answers = answered
    expect(await execute()).toBe(200)
    await settled(1)
    expect(await shadowRecords()).toMatchObject([{ reason_code: 'SHADOW_DIFFERED', status }])
  })

  it.each([
    ['a tenant that does not ask for it', () => runtime.tenants.set('acme', servedTenant({}, { candidate }))],
    ['0 percent', () => runtime.tenants.set('acme', shadowed(0))],
    [
      'a tenant without a candidate',
      () => runtime.tenants.set('acme', servedTenant({ shadow: { alias: 'candidate', percent: 100 } })),
    ],
    [
      'a candidate that is current already',
      () =>
        runtime.tenants.set(
          'acme',
          servedTenant({ shadow: { alias: 'candidate', percent: 100 } }, { candidate: servedBundle() }),
        ),
    ],
    [
      'a candidate with a model step that nobody approved',
      () => {
        const bundle = scriptedBundle({ llm: { enabled: true } })
        const state = aliasState({ digest: NEW })
        const aliases = { candidate: servedBundle(bundle, state) }
        runtime.tenants.set('acme', servedTenant({ shadow: { alias: 'candidate', percent: 100 } }, aliases))
      },
    ],
  ])('is not run for %s', async (_name, change) => {
    change()
    expect(await execute()).toBe(200)
    await shadow.stop()
    expect([ran, outcomes]).toEqual([[], []])
  })

  it('with a model step is run where its digest was current before', async () => {
    const level = { bundle: 'faq', version: '1.1.0', digest: NEW, seq: 2, until: '2026-07-01T00:00:00Z' }
    const current = servedBundle(scriptedBundle(), aliasState({ stack: [level] }))
    const model = servedBundle(scriptedBundle({ llm: { enabled: true } }), aliasState({ digest: NEW }))
    runtime.tenants.set(
      'acme',
      servedTenant({ shadow: { alias: 'candidate', percent: 100 } }, { current, candidate: model }),
    )
    expect(await execute()).toBe(200)
    await settled(1)
    expect(outcomes).toEqual(['acme agreed'])
  })

  it('is not run for a request that was refused, or that asked for the candidate itself', async () => {
    expect(await execute(ask({ input: 'no object' }))).toBe(422)
    expect(await execute(ask({ input: { question: QUESTION }, alias: 'candidate' }))).toBe(200)
    await shadow.stop()
    expect([ran, outcomes]).toEqual([[], []])
  })

  it('starts after the answer has left, not before', async () => {
    const outgoing = Object.assign(new EventEmitter(), { writableFinished: false }) as unknown as ServerResponse
    const { app } = runtime
    const response = await app.request('/execute', ask({ input: { question: QUESTION } }), { outgoing })
    expect(response.status).toBe(200)
    await new Promise((resolve) => setImmediate(resolve))
    expect(ran).toEqual([])
    outgoing.emit('finish')
    await settled(1)
    expect(ran).toHaveLength(1)
  })

  it('is dropped and counted where more waits than there is room for', async () => {
    const offers = WAITING.offers + 10
    for (let at = 0; at < offers; at += 1)
      expect(await execute(ask({ input: { question: `${at}` } }, { 'x-request-id': `r-${at}` }))).toBe(200)
    const wasDropped = outcomes.filter((outcome) => outcome === 'acme dropped').length
    await eventually(
      async () => outcomes.length,
      (found) => found === offers,
    )
    const done = outcomes.filter((outcome) => outcome === 'acme agreed').length
    expect(done + outcomes.filter((outcome) => outcome === 'acme dropped').length).toBe(offers)
    expect(wasDropped).toBeLessThanOrEqual(10)
    expect(await shadowRecords()).toHaveLength(done)
  })

  it('keeps no more bytes of questions than it may', async () => {
    let release: (seq: number) => void = () => undefined
    await shadow.stop()
    shadow = over({ audit: { append: () => new Promise((resolve) => void (release = resolve)) } })
    const question = 'x'.repeat(1_000_000)
    for (let at = 0; at < 6; at += 1) expect(await execute(ask({ input: { question } }))).toBe(200)
    expect(outcomes.filter((outcome) => outcome === 'acme dropped').length).toBeGreaterThanOrEqual(1)
    const stopped = shadow.stop()
    release(0)
    await stopped
  })

  it('that was replaced before its turn is not run', async () => {
    const outgoing = Object.assign(new EventEmitter(), { writableFinished: false }) as unknown as ServerResponse
    await runtime.app.request('/execute', ask({ input: { question: QUESTION } }), { outgoing })
    runtime.tenants.set('acme', servedTenant())
    outgoing.emit('finish')
    await settled(1)
    expect([ran, outcomes]).toEqual([[], ['acme dropped']])
  })

  it('that cannot be recorded is counted as dropped, and the answers go on', async () => {
    await shadow.stop()
    shadow = over({ audit: { append: () => Promise.reject(new Fault('AUDIT_UNAVAILABLE', 'full')) } })
    expect([await execute(), await execute()]).toEqual([200, 200])
    await settled(2)
    expect(outcomes).toEqual(['acme dropped', 'acme dropped'])
  })

  it('takes at most one part in ten of the time of the process', async () => {
    await shadow.stop()
    const started: number[] = []
    shadow = over({
      execute: () => {
        started.push(performance.now())
        const until = performance.now() + 5
        while (performance.now() < until);
        return anExecution()
      },
    })
    for (let at = 0; at < 4; at += 1) expect(await execute()).toBe(200)
    await settled(4)
    const gaps = started.slice(1).map((at, before) => at - (started[before] as number))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50)
  })
})
