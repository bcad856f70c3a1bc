import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog } from '../../../runtime/audit/log.ts'
import { verifyTlogProof } from '../../../runtime/audit/tlog-proof.ts'
import { aRecord } from '../../support/audit-record.ts'
import { runCommand } from '../../support/author-clone.ts'

let dir: string
let verifier: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cli-audit-'))
  const log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'acme',
    node: 'n',
    onPublishError: () => undefined,
  })
  for (let at = 0; at < 30; at += 1) {
    await log.append(
      aRecord({ request_id: `r-${at}`, tenant: at < 10 ? 'globex' : 'acme', ts: `2026-08-01T12:00:${10 + at}.000Z` }),
    )
  }
  verifier = log.verifier
  await log.close()
})
afterEach(() => rm(dir, { recursive: true }))

const run = (name: string, args: string[] = [], options: Record<string, string | boolean> = {}) =>
  runCommand(`audit ${name}`, args, { dir, ...options }, { cwd: dir, env: {} })

describe('contractor audit', () => {
  it('verify says what it read, and whether the key was pinned', async () => {
    const { code, out } = await run('verify', [], { json: true, key: verifier })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'pass',
      size: 30,
      decisions: { allow: 30, deny: 0 },
      key_pinned: true,
    })
    expect(await run('verify')).toMatchObject({ code: 0, out: expect.stringContaining('30 records') as string })
  })

  it('verify fails on a changed record, and names it', async () => {
    const path = join(dir, 'tlog', 'tile', 'entries', '000.p', '30')
    const bytes = await readFile(path)
    bytes[200] = (bytes[200] ?? 0) ^ 1
    await writeFile(path, bytes)
    expect(await run('verify')).toMatchObject({ code: 1, err: expect.stringContaining('AUDIT_BROKEN') as string })
  })

  it('verify compares with a checkpoint that somebody kept', async () => {
    const anchor = join(dir, 'tlog', 'checkpoint')
    const { out } = await run('verify', [], { json: true, anchor })
    expect(JSON.parse(out)).toMatchObject({ anchors: 1 })
  })

  it('prove prints a proof that verifies with the record beside it', async () => {
    const { out } = await run('prove', ['r-17'], { json: true })
    const { record, proof } = JSON.parse(out) as { record: string; proof: string }
    expect(verifyTlogProof(proof, Buffer.from(record), verifier).index).toBe(17)
    const plain = await run('prove', ['r-17'])
    expect(verifyTlogProof(plain.out, Buffer.from(plain.err.trimEnd()), verifier).index).toBe(17)
    expect(await run('prove', ['nobody'])).toMatchObject({ code: 1 })
  })

  it('tail shows the last records, and export those of a tenant and a time', async () => {
    const { out } = await run('tail', [], { last: '2' })
    expect(out.trimEnd().split('\n')).toHaveLength(2)
    expect(out).toContain('r-29')
    const exported = await run('export', [], { tenant: 'globex', since: '2026-08-01T12:00:15Z' })
    expect(exported.out.trimEnd().split('\n')).toHaveLength(5)
    expect(await run('export', [], { since: 'yesterday' })).toMatchObject({ code: 2 })
  })

  it('says that a folder is not a log', async () => {
    expect(await run('verify', [], { dir: tmpdir() })).toMatchObject({ code: 1 })
  })
})
