import { createHash } from 'node:crypto'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControllerConfig } from '../../controller/config.ts'
import { openEvents, type ControllerEvent } from '../../controller/events.ts'
import { NO_FORGE } from '../../controller/forge/config.ts'
import { startController, type RunningController } from '../../controller/start.ts'
import { AUDIT_REF, readWitnessed } from '../../controller/witness/audit-branch.ts'
import { openCosignature, parseWitness } from '../../runtime/audit/cosignature.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../runtime/audit/log.ts'
import { connectWitness } from '../../runtime/audit/witness-client.ts'
import { startWitnessReports, type WitnessReports } from '../../runtime/audit/witness-reports.ts'
import type { Fleet, ServedReport } from '../../schemas/http/fleet.ts'
import { aRecord } from '../support/audit-record.ts'
import { faultReason } from '../support/fault-reason.ts'
import { openTestRegistry, type TestRegistry } from '../support/test-registry.ts'

const KEY = 'operator-key-of-the-tests-0123456789'
const DIGEST = `sha256:${'2'.repeat(64)}`
const SERVES: ServedReport = {
  node: 'node-1',
  runtime_version: '1.0.0',
  status: 'ready',
  seq: 3,
  digests: { [DIGEST]: 2 },
  refused: {},
}

describe('the controller as witness', () => {
  let registry: TestRegistry
  let config: ControllerConfig
  let controller: RunningController
  let told: ControllerEvent[]
  let dir: string
  let open: (AuditLog | { close(): Promise<void> })[]
  let reporting: WitnessReports[]

  beforeEach(async () => {
    registry = await openTestRegistry()
    dir = join(registry.folder, 'audit')
    told = []
    open = []
    reporting = []
    config = {
      registry: registry.location,
      registryToken: null,
      root: registry.root,
      controllerKeyFile: registry.keyFiles.controller,
      heartbeatKeyFile: registry.keyFiles.heartbeat,
      stateDir: join(registry.folder, 'state'),
      host: '127.0.0.1',
      port: 0,
      pollIntervalMs: 60_000,
      heartbeatIntervalMs: 60_000,
      heartbeatValidMs: 600_000,
      operatorKey: createHash('sha256').update(KEY).digest(),
      forge: NO_FORGE,
    }
    await start()
  })
  afterEach(async () => {
    for (const one of reporting) await one.stop()
    for (const log of open) await log.close()
    await controller.stop()
    await registry.close()
  })

  async function start(): Promise<void> {
    const events = openEvents(() => new Date())
    events.subscribe((event) => told.push(event))
    controller = await startController(config, { events })
  }

  async function openLog(folder = dir): Promise<AuditLog> {
    const audit = await openAuditLog({
      ...AUDIT_DEFAULTS,
      dir: folder,
      registry: 'acme',
      node: 'node-1',
      onPublishError: () => undefined,
    })
    open.push(audit)
    return audit
  }

  async function close(audit: AuditLog): Promise<void> {
    open = open.filter((one) => one !== audit)
    await audit.close()
  }

  function reportsOf(audit: AuditLog, folder = dir, client = connectWitness(controller.url, KEY)): WitnessReports {
    const reports = startWitnessReports({
      client,
      dir: folder,
      audit,
      serves: () => SERVES,
      monotonicMs: () => performance.now(),
      onTrouble: () => undefined,
    })
    reporting.push(reports)
    return reports
  }

  const append = async (audit: AuditLog, count: number, request_id = 'r-1') => {
    for (let at = 0; at < count; at += 1) await audit.append(aRecord({ request_id }))
  }

  async function fleet(): Promise<Fleet> {
    const response = await fetch(`${controller.url}/v1/runtimes`, { headers: { 'x-api-key': KEY } })
    return (await response.json()) as Fleet
  }

  it('cosigns what extends what it saw, commits it to the branch audit, and tells what is served', async () => {
    const audit = await openLog()
    const reports = reportsOf(audit)
    await append(audit, 5)
    await reports.report()
    await append(audit, 300)
    await reports.report()
    expect(reports.status()).toMatchObject({ status: 'anchored', size: 305 })
    const tip = await registry.repository.readRef(AUDIT_REF)
    const logs = await readWitnessed(registry.repository, tip!, [registry.signer.publicKey])
    const log = logs.get(audit.origin)
    expect(log).toMatchObject({ size: 305, verifier: audit.verifier, reporter: 'operator' })
    const { runtimes, witness } = await fleet()
    expect(openCosignature(log!.note, parseWitness(witness))).toBeGreaterThan(1_700_000_000)
    expect(runtimes).toMatchObject([{ origin: audit.origin, node: 'node-1', size: 305, serves: SERVES, trouble: null }])
  })

  it('commits nothing where nothing was recorded, and hears all the same what is served', async () => {
    const reports = reportsOf(await openLog())
    await reports.report()
    const tip = await registry.repository.readRef(AUDIT_REF)
    await reports.report()
    expect(await registry.repository.readRef(AUDIT_REF)).toBe(tip)
    expect((await fleet()).runtimes).toHaveLength(1)
  })

  it('refuses a log that is shorter or different, shows it, and hands the Runtime what it must extend', async () => {
    const audit = await openLog()
    const reports = reportsOf(audit)
    await append(audit, 5)
    await reports.report()
    await reports.stop()
    await close(audit)
    const copy = join(registry.folder, 'copy')
    await cp(dir, copy, { recursive: true })
    const grown = await openLog()
    await append(grown, 5)
    const first = reportsOf(grown)
    await first.report()
    await first.stop()
    await close(grown)

    const shorter = await openLog(copy)
    const late = reportsOf(shorter, copy)
    await late.report()
    expect(late.status()).toMatchObject({ status: 'refused', reason_code: 'AUDIT_BROKEN' })
    expect((await fleet()).runtimes).toMatchObject([{ size: 10, trouble: { reason_code: 'AUDIT_BROKEN' } }])
    await append(shorter, 20, 'other')
    await late.report()
    expect(late.status()).toMatchObject({ status: 'refused', reason_code: 'AUDIT_BROKEN' })
    expect(told).toContainEqual(expect.objectContaining({ type: 'fault', reason_code: 'AUDIT_BROKEN' }))
    await late.stop()
    await close(shorter)

    const anchor = await connectWitness(controller.url, KEY).seen(shorter.verifier)
    expect(anchor).toMatchObject({ size: 10 })
    const options = { ...AUDIT_DEFAULTS, registry: 'acme', node: 'node-1', anchor, onPublishError: () => undefined }
    expect(await faultReason(() => openAuditLog({ ...options, dir: copy }))).toBe('AUDIT_BROKEN')
    const intact = await openAuditLog({ ...options, dir })
    await intact.close()
  })

  it('knows after a restart what it witnessed, also where the branch went back or away', async () => {
    const audit = await openLog()
    const reports = reportsOf(audit)
    await append(audit, 3)
    await reports.report()
    const before = await registry.repository.readRef(AUDIT_REF)
    await append(audit, 3)
    await reports.report()
    const newest = await registry.repository.readRef(AUDIT_REF)
    await reports.stop()
    for (const place of [newest, before, null]) {
      const old = await registry.repository.readRef(AUDIT_REF)
      if (old !== place) await registry.repository.updateRefs([{ ref: AUDIT_REF, old, new: place }])
      await controller.stop()
      await start()
      expect(await connectWitness(controller.url, KEY).seen(audit.verifier)).toMatchObject({ size: 6 })
    }
    await append(audit, 1)
    const again = reportsOf(audit)
    await again.report()
    expect(again.status()).toMatchObject({ status: 'anchored', size: 7 })
    const tip = await registry.repository.readRef(AUDIT_REF)
    expect([...(await readWitnessed(registry.repository, tip!, [registry.signer.publicKey])).keys()]).toEqual([
      audit.origin,
    ])
  })

  it('makes a new key of a witness rather than none, and says which', async () => {
    const { witness } = await fleet()
    await controller.stop()
    await rm(join(config.stateDir, 'witness.key'))
    await start()
    expect((await fleet()).witness).not.toBe(witness)
  })

  it.each([
    ['no key', {}, 400],
    ['a wrong key', { 'x-api-key': 'wrong', 'x-tenant-id': 'acme' }, 401],
  ])('takes nothing with %s', async (_name, headers, status) => {
    for (const [method, path] of [
      ['POST', '/v1/audit/checkpoints'],
      ['GET', '/v1/audit/checkpoints?origin=x'],
      ['GET', '/v1/runtimes'],
    ] as const) {
      const response = await fetch(`${controller.url}${path}`, { method, headers: headers as Record<string, string> })
      expect(response.status).toBe(status)
    }
  })

  it('refuses what is no report of a log of this registry', async () => {
    const audit = await openLog()
    await append(audit, 1)
    const other = await openAuditLog({
      ...AUDIT_DEFAULTS,
      dir: join(registry.folder, 'other'),
      registry: 'globex',
      node: 'node-1',
      onPublishError: () => undefined,
    })
    open.push(other)
    const good = { checkpoint: await audit.publish(), verifier: audit.verifier, old_size: 0, proof: [], serves: SERVES }
    const send = async (changes: object) => {
      const response = await fetch(`${controller.url}/v1/audit/checkpoints`, {
        method: 'POST',
        headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
        body: JSON.stringify({ ...good, ...changes }),
      })
      return ((await response.json()) as { reason_code?: string }).reason_code
    }
    expect(await send({ extra: 1 })).toBe('REQUEST_INVALID')
    expect(await send({ verifier: other.verifier })).toBe('REQUEST_INVALID')
    expect(await send({ verifier: other.verifier, checkpoint: await other.publish() })).toBe('REQUEST_INVALID')
    expect(await send({ checkpoint: good.checkpoint.replace('\n1\n', '\n2\n') })).toBe('REQUEST_INVALID')
    expect(await send({ old_size: 1 })).toBe('CHECKPOINT_CONFLICT')
    expect(await send({})).toBeUndefined()
    await append(audit, 1)
    const grown = { checkpoint: await audit.publish(), old_size: 1 }
    expect(await send({ ...grown, proof: [] })).toBe('AUDIT_BROKEN')
  })
})
