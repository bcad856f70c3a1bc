import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GATE_RUNS_REF } from '../../controller/gate-service/run-branch.ts'
import { validatorOf } from '../../schemas/json-schema.ts'
import type { GateRun, GateRunPage } from '../../schemas/http/gate-run.ts'
import { eventually } from '../support/eventually.ts'
import { openGateServiceWorld, type GateServiceWorld } from '../support/gate-service-world.ts'
import { mustRun } from '../support/shell.ts'
import { tinyBundle } from '../support/test-registry.ts'

const FAQ = { bundle: 'faq', version: '1.0.0' }

let world: GateServiceWorld

const bodyOf = async <T>(response: Response) => (await response.json()) as T
const finished = async (id: string, who = 'operator') => {
  const run = await eventually(
    async () => bodyOf<GateRun & { result: object | null }>(await world.get(who, `/v1/gates/runs/${id}`)),
    ({ status }) => status === 'finished' || status === 'failed',
  )
  return run
}
const listed = async (who: string, query: string) =>
  bodyOf<GateRunPage>(await world.get(who, `/v1/gates/runs?${query}`))

/** Holds what is judged later until it is let go. */
function hold(): () => void {
  let letGo = () => {}
  world.later.gate = new Promise((resolve) => (letGo = resolve))
  return letGo
}

describe('POST /v1/gates/runs', () => {
  beforeEach(async () => {
    world = await openGateServiceWorld()
  })
  afterEach(() => world.close())

  it('accepts a sealed version, judges it, and gives the report that its seal names', async () => {
    const response = await world.ask('shop', FAQ)
    expect(response.status).toBe(202)
    const { id } = await bodyOf<GateRun>(response)
    expect(response.headers.get('location')).toBe(`/v1/gates/runs/${id}`)
    const run = await finished(id, 'shop')
    expect(run).toMatchObject({ ...FAQ, verdict: 'pass', asked_by: 'tenant:shop', result: { bundle: 'faq', v: 1 } })
    expect(run.report).toBe(world.loop.head().state.seals.get('faq/1.0.0')?.report)
    expect(validatorOf('http/gate-run', 'every')(run)).toBe(true)
  })

  it('is one run for equal inputs, whoever asks and however often', async () => {
    const letGo = hold()
    const [a, b] = await Promise.all([world.ask('operator', FAQ), world.ask('operator', FAQ)])
    const first = await bodyOf<GateRun>(a)
    expect((await bodyOf<GateRun>(b)).id).toBe(first.id)
    letGo()
    await finished(first.id)
    const again = await world.ask('shop', FAQ)
    expect(again.status).toBe(200)
    expect(await bodyOf<GateRun>(again)).toMatchObject({ id: first.id, status: 'finished' })
    expect(world.later.judged).toEqual(['faq'])
  })

  it('judges the source at a commit for the operator', async () => {
    const commit = await world.registry.commit(tinyBundle('faq', '2.0.0', 'refuse'))
    const { id } = await bodyOf<GateRun>(await world.ask('operator', { bundle: 'faq', commit }))
    expect(await finished(id)).toMatchObject({ commit, verdict: 'fail', result: { verdict: 'fail' } })
  })

  it('refuses what is over the room of one tenant, and of all, and says when to ask again', async () => {
    const letGo = hold()
    const commits = []
    for (const text of ['a', 'b', 'c', 'd']) commits.push(await world.registry.commit(tinyBundle('faq', '2.0.0', text)))
    const asked = []
    for (const commit of commits) asked.push(await world.ask('operator', { bundle: 'faq', commit }))
    expect(asked.map(({ status }) => status)).toEqual([202, 202, 429, 429])
    expect(asked[2]?.headers.get('retry-after')).toBe('10')
    await world.ask('shop', FAQ)
    await world.ask('bank', { bundle: 'loan', version: '1.0.0' })
    const full = await world.ask('operator', { bundle: 'ghost', version: '1.0.0' })
    expect([full.status, (await bodyOf<{ reason_code: string }>(full)).reason_code]).toEqual([503, 'GATES_BUSY'])
    letGo()
  })

  it('goes on after a restart with what was accepted before', async () => {
    const letGo = hold()
    const { id } = await bodyOf<GateRun>(await world.ask('operator', FAQ))
    const second = await bodyOf<GateRun>(await world.ask('operator', { bundle: 'loan', version: '1.0.0' }))
    const restarted = world.restart()
    letGo()
    await restarted
    expect(await finished(id)).toMatchObject({ verdict: 'pass' })
    expect(await finished(second.id)).toMatchObject({ verdict: 'pass' })
    await world.restart()
    expect(await finished(id)).toMatchObject({ verdict: 'pass', result: { verdict: 'pass' } })
  })

  it('gives no verdict where the gates crash, says why, and runs them again when asked again', async () => {
    const seals = world.later.judge
    world.later.judge = async (request) => {
      const { report } = await seals(request)
      const place = { path: 'bundles/faq', line: 1, column: 1, message: 'too slow', hint: '' }
      const finding = { gate: 'sandbox', code: 'GATE_TIMEOUT', severity: 'error', ...place } as const
      return { report: { ...report, verdict: 'fail', findings: [finding] }, sealed: null }
    }
    const { id } = await bodyOf<GateRun>(await world.ask('operator', FAQ))
    const failed = await finished(id)
    expect(failed).toMatchObject({ status: 'failed', verdict: null, report: null, reason_code: 'GATE_TIMEOUT' })
    await world.restart()
    expect(await finished(id)).toMatchObject({ status: 'failed', reason_code: 'GATE_TIMEOUT' })
    world.later.judge = seals
    expect((await world.ask('operator', FAQ)).status).toBe(202)
    expect(await finished(id)).toMatchObject({ status: 'finished', verdict: 'pass' })
  })
})

describe('GET /v1/gates/runs', () => {
  beforeEach(async () => {
    world = await openGateServiceWorld()
  })
  afterEach(() => world.close())

  it('lists by bundle, newest first, in pages', async () => {
    for (const text of ['a', 'b', 'c']) {
      const commit = await world.registry.commit(tinyBundle('faq', '2.0.0', text))
      await finished((await bodyOf<GateRun>(await world.ask('operator', { bundle: 'faq', commit }))).id)
    }
    await finished((await bodyOf<GateRun>(await world.ask('operator', { bundle: 'loan', version: '1.0.0' }))).id)
    const first = await listed('operator', 'bundle=faq&limit=2')
    expect(first.runs).toHaveLength(2)
    const second = await listed('operator', `bundle=faq&limit=2&after=${encodeURIComponent(first.next ?? '')}`)
    expect(second).toMatchObject({ next: null })
    const times = [...first.runs, ...second.runs].map((run) => run.finished_at ?? '')
    expect(times).toHaveLength(3)
    expect(times).toEqual(times.toSorted().reverse())
    expect((await listed('operator', '')).runs).toHaveLength(4)
  })

  it('shows a tenant what is sealed of the bundles that it holds, and not who else asked', async () => {
    const commit = await world.registry.commit(tinyBundle('faq', '2.0.0', 'refuse'))
    const open = await bodyOf<GateRun>(await world.ask('operator', { bundle: 'faq', commit }))
    const sealed = await bodyOf<GateRun>(await world.ask('operator', FAQ))
    await finished(open.id)
    await finished(sealed.id)
    const { runs } = await listed('shop', 'bundle=faq')
    expect(runs.map(({ id, asked_by }) => [id, asked_by])).toEqual([[sealed.id, null]])
    expect((await listed('bank', 'bundle=faq')).runs).toEqual([])
    expect((await world.get('bank', `/v1/gates/runs/${sealed.id}`)).status).toBe(404)
    expect((await world.get('shop', `/v1/gates/runs/${open.id}`)).status).toBe(404)
  })

  it('keeps what the gates found for a promotion, so that nobody runs them again', async () => {
    const report = await world.later.judge({
      files: new Map([['manifest.yaml', Buffer.from('description: refuse\n')]]),
      name: 'faq',
      rules: world.loop.head().state.registry.rules,
      sealed: [],
      previous: null,
    })
    world.service().note(report.report)
    const { runs } = await eventually(
      () => listed('operator', 'bundle=faq'),
      (page) => page.runs.length === 1,
    )
    expect(runs[0]).toMatchObject({ asked_by: 'controller', verdict: 'fail' })
  })

  it('believes no run that no controller signed', async () => {
    const { id } = await bodyOf<GateRun>(await world.ask('operator', FAQ))
    await finished(id)
    await mustRun(
      `git --git-dir=${world.registry.location} update-ref ${GATE_RUNS_REF} $(git --git-dir=${world.registry.location} -c user.name=m -c user.email=m@x commit-tree -p ${GATE_RUNS_REF} -m forged ${GATE_RUNS_REF}^{tree})`,
      world.registry.folder,
      { PATH: process.env['PATH'] },
    )
    const response = await world.get('operator', `/v1/gates/runs/${id}`)
    expect((await bodyOf<{ reason_code: string }>(response)).reason_code).toMatch(/UNTRUSTED|SIGNATURE/)
  })
})

describe('the gate service', () => {
  beforeAll(async () => {
    world = await openGateServiceWorld()
  })
  afterAll(() => world.close())

  it.each<[string, string, object | string, number, string]>([
    ['a key without the scope', 'poor', FAQ, 403, 'FORBIDDEN'],
    ['a bundle that the tenant does not hold', 'bank', FAQ, 404, 'NOT_FOUND'],
    ['a bundle that nobody holds, to a tenant', 'shop', { bundle: 'ghost', version: '1.0.0' }, 404, 'NOT_FOUND'],
    ['a commit, to a tenant', 'shop', { bundle: 'faq', commit: 'a'.repeat(40) }, 403, 'FORBIDDEN'],
    ['a version that is not sealed', 'operator', { bundle: 'faq', version: '9.0.0' }, 404, 'NOT_FOUND'],
    ['a commit that is not there', 'operator', { bundle: 'faq', commit: 'a'.repeat(40) }, 404, 'NOT_FOUND'],
    ['a revision instead of a commit', 'operator', { bundle: 'faq', commit: 'main' }, 422, 'REQUEST_INVALID'],
    ['a path out of bundles/', 'operator', { bundle: '../x', version: '1.0.0' }, 422, 'REQUEST_INVALID'],
    ['neither version nor commit', 'operator', { bundle: 'faq' }, 422, 'REQUEST_INVALID'],
    ['both', 'operator', { ...FAQ, commit: 'a'.repeat(40) }, 422, 'REQUEST_INVALID'],
    ['an unknown field', 'operator', { ...FAQ, priority: 9 }, 422, 'REQUEST_INVALID'],
    ['what is not JSON', 'operator', '{', 400, 'G10_BODY_PARSE_ERROR'],
    ['a body over 4 KiB', 'operator', JSON.stringify({ bundle: 'f'.repeat(5_000) }), 413, 'PAYLOAD_TOO_LARGE'],
  ])('refuses %s', async (_what, who, body, status, reason) => {
    const response = await world.ask(who, body)
    expect([response.status, (await bodyOf<{ reason_code: string }>(response)).reason_code]).toEqual([status, reason])
    expect(world.later.judged).toEqual([])
  })

  it.each(['limit=0', 'limit=201', 'limit=x', 'bundle=..', 'after=runs'])('refuses %s', async (query) => {
    expect((await world.get('operator', `/v1/gates/runs?${query}`)).status).toBe(422)
  })
})
