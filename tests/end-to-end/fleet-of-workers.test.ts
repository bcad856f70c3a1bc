import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AUDIT_REF, readWitnessed } from '../../controller/witness/audit-branch.ts'
import { listLogs } from '../../runtime/audit/log-folders.ts'
import { logFolders, readRecords, readVerifier } from '../../runtime/audit/read-log.ts'
import { verifyAuditFolder } from '../../runtime/audit/verify-log.ts'
import type { ExecuteResponse } from '../../schemas/http/execute.ts'
import type { Fleet } from '../../schemas/http/fleet.ts'
import { runCommand } from '../support/author-clone.ts'
import { faqVersion, promotion, QUESTION, startChain, TENANT, type Chain } from '../support/chain.ts'
import { openCollector, type Collector } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { OPERATOR_KEY } from '../support/runtime-app.ts'
import { aliasFile } from '../support/test-registry.ts'

const SHADOWED = 'status: active\nlimits: { execute_per_minute: 600000 }\nshadow: { alias: candidate, percent: 100 }\n'
const [OLD, NEW] = [faqVersion('1.0.0'), faqVersion('1.1.0')]
const ASKED = 40

/** Tests follow on each other. */
describe('a Runtime of two workers beside one without', () => {
  let chain: Chain
  let collector: Collector
  let child: ChildProcess
  let url = ''
  let errors = ''
  const ids: string[] = []

  beforeAll(async () => {
    chain = await startChain({ over: 'path', isWitnessed: true })
    const { files, digest } = OLD
    await chain.commit({ ...files, ...(await promotion(chain, '1.0.0', digest)) }, 'faq 1.0.0')
    await chain.git('git push -q')
    await chain.answersFrom('1.0.0')
    await chain.commit({ ...NEW.files, [`tenants/${TENANT}/tenant.yaml`]: SHADOWED }, 'faq 1.1.0')
    await chain.git('git push -q')
    await chain.isSealed('1.1.0')
    const candidate = aliasFile('faq', '1.1.0', NEW.digest)
    await chain.commit({ [`tenants/${TENANT}/aliases/candidate.yaml`]: candidate }, 'candidate 1.1.0')
    await chain.git('git push -q')
    const served = () => chain.runtime.follower.tenant(TENANT)?.aliases.candidate?.state.version
    await eventually(
      async () => served(),
      (found) => found === '1.1.0',
      30_000,
    )
    collector = await openCollector()
    const copies = join(chain.registry.folder, 'copies.yaml')
    await writeFile(copies, `copies: [{ name: siem, to: http, url: "${collector.url}", required: true }]\n`)
    const env = {
      PATH: process.env['PATH'],
      CONTRACTOR_REGISTRY: chain.registry.location,
      CONTRACTOR_TRUST: join(chain.registry.folder, 'root.json'),
      CONTRACTOR_STATE_DIR: join(chain.registry.folder, 'workers-state'),
      CONTRACTOR_POLL_INTERVAL_MS: '500',
      CONTRACTOR_RUNTIME_PORT: '0',
      CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY,
      CONTRACTOR_NODE: 'many',
      CONTRACTOR_WORKERS: '2',
      CONTRACTOR_CONTROLLER_URL: chain.controller.url,
      CONTRACTOR_CHECKPOINT_KEY: OPERATOR_KEY,
      CONTRACTOR_AUDIT_COPIES: copies,
    }
    const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url))
    child = fork(main, [], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const listening = async () => /"url":"(http:[^"]+)","workers"/.exec(errors)?.[1] ?? child.exitCode
    url = String(await eventually(listening, (found) => found !== null, 45_000))
    expect(url, errors).toContain('http')
  }, 120_000)

  afterAll(async () => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
    await collector?.close()
    await chain?.close()
  })

  /** On a connection of its own, so that each worker gets its turn. */
  async function ask(alias?: 'candidate'): Promise<ExecuteResponse> {
    const headers = {
      'content-type': 'application/json',
      connection: 'close',
      'x-tenant-id': TENANT,
      'x-api-key': chain.apiKey,
    }
    const body = JSON.stringify({ input: { question: QUESTION }, ...(alias && { alias }) })
    const response = await fetch(`${url}/execute`, { method: 'POST', headers, body })
    expect(response.status).toBe(200)
    ids.push(response.headers.get('x-request-id') ?? '')
    return (await response.json()) as ExecuteResponse
  }
  const asks = (count: number, alias?: 'candidate') => Promise.all(Array.from({ length: count }, () => ask(alias)))

  async function fleet(): Promise<Fleet['runtimes']> {
    const headers = { 'x-api-key': OPERATOR_KEY }
    const { runtimes } = (await (await fetch(`${chain.controller.url}/v1/runtimes`, { headers })).json()) as Fleet
    return runtimes.filter(({ node }) => node === 'many')
  }

  const cli = (name: string, args: string[], more: object) =>
    runCommand(
      name,
      args,
      { fleet: true, controller: chain.controller.url, trust: join(chain.registry.folder, 'root.json'), ...more },
      { cwd: chain.work, env: { ...chain.env, CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY } },
    )

  const logs = () => listLogs(join(chain.registry.folder, 'workers-state', 'audit'))

  it('answers for current and the candidate from every worker, and compares each answer once', async () => {
    const current = await asks(ASKED)
    expect(new Set(current.map(({ bundle }) => bundle.version))).toEqual(new Set(['1.0.0']))
    const candidate = await asks(10, 'candidate')
    expect(new Set(candidate.map(({ bundle }) => bundle.version))).toEqual(new Set(['1.1.0']))
    const text = async () => (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text()
    const agreed = `contractor_shadow_comparisons_total{tenant="${TENANT}",outcome="agreed"} ${ASKED}\n`
    expect(await eventually(text, (found) => found.includes(agreed), 30_000)).toContain(agreed)
  })

  it('sends every record of every worker to the required copy', async () => {
    const copied = collector.requests.flatMap(({ body }) => body.trim().split('\n'))
    const found = copied.map((line) => (JSON.parse(line) as { request_id: string | null }).request_id)
    expect(ids.filter((id) => !found.includes(id))).toEqual([])
  })

  it('is waited for as a whole, and is told of as one log for each worker', async () => {
    const seq = await chain.seq()
    await chain.commit(await promotion(chain, '1.1.0', NEW.digest), 'current 1.1.0')
    await chain.git('git push -q')
    const { code, out, err } = await cli('wait', [TENANT], { timeout: '60', json: true })
    expect([code, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toMatchObject({ live: true, digest: NEW.digest })
    const answers = await asks(20)
    expect(new Set(answers.map(({ bundle }) => bundle.version))).toEqual(new Set(['1.1.0']))
    const found = await fleet()
    expect(new Set(found.map(({ origin }) => origin)).size).toBe(2)
    expect(found).toMatchObject([
      { trouble: null, serves: { node: 'many', status: 'ready', refused: {} } },
      { trouble: null, serves: { node: 'many', status: 'ready', refused: {} } },
    ])
    expect(found.every(({ serves }) => serves !== null && serves.seq > seq && serves.digests[NEW.digest] === 2)).toBe(
      true,
    )
    const { out: table } = await cli('status', [], {})
    expect(table.match(/many/g)).toHaveLength(2)
  })

  it('has the log of every worker witnessed, with every answer and comparison', async () => {
    const own = await Promise.all((await logs()).map(async (dir) => ({ dir, verifier: await readVerifier(dir) })))
    expect(own).toHaveLength(2)
    // Without a change a worker reports every 30 s.
    const reported = await eventually(
      fleet,
      (found) => found.every(({ size }) => size > 0) && total(found) >= ids.length,
      60_000,
    )
    expect(total(reported)).toBeGreaterThanOrEqual(ids.length)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
    const tip = await chain.registry.repository.readRef(AUDIT_REF)
    const witnessed = await readWitnessed(chain.registry.repository, tip!, [chain.registry.signer.publicKey])
    const recorded: string[] = []
    let [agreed, compared] = [0, 0]
    for (const { dir, verifier } of own) {
      const { size, shadow } = await verifyAuditFolder(dir, verifier)
      agreed += shadow.agreed
      const mine: string[] = []
      for await (const { record } of readRecords(logFolders(dir), 0, size))
        if (record.action === 'execute' && record.phase === 'end' && record.request_id !== null)
          mine.push(record.request_id)
      expect(mine.length).toBeGreaterThan(0)
      recorded.push(...mine)
      const seen = witnessed.get(verifier.split('+')[0] ?? '')
      expect(seen?.size).toBeGreaterThanOrEqual(mine.length)
      compared += seen?.shadow?.counts.reduce((sum, one) => sum + one.agreed, 0) ?? 0
    }
    expect(recorded.toSorted()).toEqual(ids.toSorted())
    expect([agreed, compared]).toEqual([ASKED, ASKED])
  }, 120_000)
})

const total = (runtimes: Fleet['runtimes']) => runtimes.reduce((sum, { size }) => sum + size, 0)
