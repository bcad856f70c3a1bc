import fs, { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog } from '../../../runtime/audit/log.ts'
import { aRecord } from '../../support/audit-record.ts'

/** Renames of files of this name, of everybody in this process, until the test ends. */
function countRenames(name: string): () => number {
  const { rename } = fs
  let count = 0
  fs.rename = (from, to) => {
    if (String(to).endsWith(`/${name}`)) count += 1
    return rename(from, to)
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    fs.rename = rename
    syncBuiltinESMExports()
  })
  return () => count
}

it('batches that come while a checkpoint is written ask for no more than one', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'audit-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const checkpoints = countRenames('checkpoint')
  const log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'acme',
    node: 'node-1',
    publishEveryRecords: 500,
    onPublishError: (error) => expect(error).toBe(undefined),
  })
  const made = checkpoints()
  expect(made).toBe(1)
  let left = 3_000
  const client = async () => {
    while (left-- > 0) await log.append(aRecord())
  }
  await Promise.all(Array.from({ length: 16 }, client))
  await log.close()
  expect(checkpoints() - made).toBeGreaterThan(1)
  expect(checkpoints() - made).toBeLessThanOrEqual(3_000 / 500 + 1)
})
