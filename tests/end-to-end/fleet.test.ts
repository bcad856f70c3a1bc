import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import type { Fleet } from '../../schemas/http/fleet.ts'
import { CONTRACTOR, emptyEnvironment, startEmbedded, type Embedded } from '../support/embedded.ts'
import { eventually } from '../support/eventually.ts'

const run = promisify(execFile)
let embedded: Embedded | null = null
afterEach(async () => {
  await embedded?.stop()
})

async function contractor(installation: Embedded, ...args: string[]): Promise<string> {
  const env = await emptyEnvironment()
  const { stdout } = await run(process.execPath, [CONTRACTOR, ...args], { cwd: join(installation.home, 'work'), env })
  return stdout
}

async function fleetOf(installation: Embedded): Promise<Fleet> {
  const headers = { 'x-api-key': installation.demo.operator_key }
  return (await (await fetch(`${installation.controller}/v1/runtimes`, { headers })).json()) as Fleet
}

async function askOnce({ runtime, demo }: Embedded): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-tenant-id': demo.tenant, 'x-api-key': demo.api_key }
  const body = JSON.stringify({ input: { question: demo.question } })
  expect((await fetch(`${runtime}/execute`, { method: 'POST', headers, body })).status).toBe(200)
}

it('anchors the log of the embedded Runtime, tells of the fleet, and refuses an older log at the next start', async () => {
  embedded = await startEmbedded()
  const { home } = embedded
  const audit = join(home, 'runtime', 'audit')
  const first = await eventually(
    () => fleetOf(embedded!),
    ({ seq, runtimes }) => runtimes[0]?.serves?.seq === seq,
  )
  expect(first.runtimes).toMatchObject([{ node: 'embedded', trouble: null, serves: { status: 'ready', refused: {} } }])
  expect(Object.keys(first.runtimes[0]?.serves?.digests ?? {}).length).toBeGreaterThan(1)
  // Other tenants of the example may still be promoted meanwhile.
  const told = JSON.parse(await contractor(embedded, 'status', '--fleet', '--json')) as Fleet
  expect(told.seq).toBeGreaterThanOrEqual(first.seq)
  expect(await contractor(embedded, 'status', '--fleet')).toContain('embedded')
  const waited = await contractor(embedded, 'wait', embedded.demo.tenant, '--fleet', '--timeout', '20', '--json')
  expect(JSON.parse(waited)).toMatchObject({ live: true })
  await embedded.stop()
  await cp(audit, join(home, 'older'), { recursive: true })

  embedded = await startEmbedded({ home })
  await askOnce(embedded)
  const status = async () => {
    const headers = { 'x-api-key': embedded!.demo.operator_key }
    const body = (await (await fetch(`${embedded!.runtime}/status`, { headers })).json()) as {
      audit: { witness: { status: string } }
    }
    return body.audit.witness.status
  }
  await eventually(status, (found) => found === 'anchored')
  await embedded.stop()

  await rm(audit, { recursive: true })
  await cp(join(home, 'older'), audit, { recursive: true })
  embedded = null
  await expect(startEmbedded({ home })).rejects.toThrow(/AUDIT_BROKEN/)
}, 120_000)
