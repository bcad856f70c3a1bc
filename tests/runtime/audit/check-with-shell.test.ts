import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog } from '../../../runtime/audit/log.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'
import { aRecord } from '../../support/audit-record.ts'

/** The block of docs/audit.md that needs nothing of ours. */
async function documentedCheck(): Promise<string> {
  const page = await readFile(join(PACKAGE_ROOT, 'docs/audit.md'), 'utf8')
  const block = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].find(([, text]) => text?.includes('sha256sum'))
  return block?.[1] ?? ''
}

it.each([1, 5, 256, 300])('docs/audit.md checks the first of %i records with a shell alone', async (records) => {
  const dir = await mkdtemp(join(tmpdir(), 'audit-shell-'))
  const log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'acme',
    node: 'n',
    onPublishError: () => undefined,
  })
  await Promise.all(Array.from({ length: records }, () => log.append(aRecord())))
  await log.close()
  const { stdout } = await promisify(execFile)('bash', ['-euc', await documentedCheck()], { cwd: dir })
  const [computed, stored] = stdout.split('\n').map((line) => line.slice(0, 64))
  expect(computed).toMatch(/^[0-9a-f]{64}$/)
  expect(computed).toBe(stored)
  await rm(dir, { recursive: true })
})
