import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { runLoop } from '../support/running-loop.ts'
import {
  aliasFile,
  digestOf,
  openTestRegistry,
  tinyBundle,
  type FileChanges,
  type TestRegistry,
} from '../support/test-registry.ts'
import { controllerProgram } from './controller-program.ts'
import { runController } from './controller-run.ts'
import {
  leftoverViolations,
  memoryViolations,
  registryViolations,
  secretsOf,
  type Expected,
} from './registry-invariants.ts'
import { isBegun, isPromoted, isSealed } from './goals.ts'
import { copyFolder, type Scenario } from './scenario.ts'

const FIRST = tinyBundle('faq', '1.0.0')
const DIGEST = digestOf('faq', FIRST)
const ALIAS = aliasFile('faq', '1.0.0', DIGEST)

/** Seq of `live`, and of the memory, that every run finds. */
export const SEQ_BEFORE = 2

/** A registry with one sealed bundle and one tenant, and a commit on `main` that waits for a controller. */
export async function prepareRegistry(
  folder: string,
  wanted: (registry: TestRegistry) => Promise<FileChanges>,
): Promise<void> {
  const registry = await openTestRegistry()
  try {
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
    await registry.commit({ ...FIRST, 'tenants/shop/tenant.yaml': 'status: active\n' })
    const location = registry.location
    await runController(registry.folder, { location, isDone: isBegun })
    await copyFolder(registry.location, join(registry.folder, 'yesterday.git'))
    await registry.commit(await wanted(registry))
    await copyFolder(registry.folder, folder)
  } finally {
    await registry.close()
  }
}

/** A candidate and a current, approved, in one entry. */
export async function promotionOf(registry: TestRegistry): Promise<FileChanges> {
  const loop = await runLoop(registry, 'other')
  const { state } = loop.head()
  await loop.stop()
  return {
    'tenants/shop/aliases/candidate.yaml': ALIAS,
    'tenants/shop/aliases/current.yaml': ALIAS,
    ...(await registry.approval('ben', { tenant: 'shop', alias: 'current', digest: DIGEST, state })),
  }
}

export const PROMOTED: Expected = { 'shop/candidate': 1, 'shop/current': 1, 'bundles/faq/1.0.0': 1 }

async function violations(
  folder: string,
  expected: Expected,
  isDone: (state: LedgerState) => boolean,
): Promise<string[]> {
  const crashed = await registryViolations(folder, null)
  const atOnce = crashed.ledger === null ? [] : await memoryViolations(folder, crashed.ledger, SEQ_BEFORE)
  const told: string[] = []
  const isUp = await runController(folder, {
    location: join(folder, 'registry.git'),
    isDone,
    onFault: (fault) => told.push(fault),
  })
  const up = isUp ? [] : [`INV3: not finished after a restart: ${told.join('; ')}`]
  const after = await registryViolations(folder, expected)
  const memory = after.ledger === null ? [] : await memoryViolations(folder, after.ledger, after.ledger.seq)
  const secrets = await secretsOf(['controller', 'heartbeat', 'root'].map((name) => join(folder, name)))
  return [
    ...crashed.violations,
    ...atOnce,
    ...up,
    ...after.violations,
    ...memory,
    ...(await leftoverViolations(folder, secrets)),
  ]
}

export const promotion: Scenario = {
  name: 'promotion',
  program: controllerProgram(isPromoted),
  place: 'program',
  looksAtTheClock: true,
  prepare: (folder) => prepareRegistry(folder, promotionOf),
  violations: (folder) => violations(folder, PROMOTED, isPromoted),
}

export const seal: Scenario = {
  name: 'seal',
  program: controllerProgram(isSealed),
  place: 'program',
  looksAtTheClock: true,
  prepare: (folder) => prepareRegistry(folder, async () => tinyBundle('faq', '1.1.0')),
  violations: (folder) => violations(folder, { 'bundles/faq/1.0.0': 1, 'bundles/faq/1.1.0': 1 }, isSealed),
}
