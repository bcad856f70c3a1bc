import { execFileSync } from 'node:child_process'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRepository } from '../../runtime/git/repository.ts'
import { runCommand } from '../support/author-clone.ts'
import { faultReason } from '../support/fault-reason.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { mustRun } from '../support/shell.ts'
import { openTestRegistry, type TestRegistry } from '../support/test-registry.ts'

const tenant = (name: string) => ({ [`tenants/${name}/tenant.yaml`]: 'status: active\n' })

describe('the runbooks of docs/runbooks', () => {
  let registry: TestRegistry
  let loop: RunningLoop
  let clone: string
  const env = () => ({ PATH: process.env['PATH'], HOME: registry.folder, LC_ALL: 'C.UTF-8' })
  const git = (script: string) => mustRun(script, clone, env())
  const bare = (...args: string[]) =>
    execFileSync('git', ['-C', registry.location, ...args], { encoding: 'utf8' }).trim()

  beforeEach(async () => {
    registry = await openTestRegistry()
    loop = await runLoop(registry)
    await registry.commit(tenant('shop'))
    await loop.decided({ subject: 'tenants/shop', decision: 'allow' })
    clone = join(registry.folder, 'clone')
    await mustRun(`git clone -q ${registry.location} ${clone}`, registry.folder, env())
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
    await git(`git config user.name ben && git config user.email ben@acme.example
      git config contractor.trust ${join(registry.folder, 'root.json')}`)
  })
  afterEach(async () => {
    await loop.stop()
    await registry.close()
  })

  describe('rewritten-main.md', () => {
    let judged: string

    beforeEach(async () => {
      judged = bare('rev-parse', 'main')
      await git(`git commit -q --amend -m rewritten && mkdir tenants/bank
        printf 'status: active\\n' > tenants/bank/tenant.yaml && git add -A && git commit -q -m bank
        git push -q --force origin HEAD:main`)
      await loop.decided({ subject: 'main', reason_code: 'MAIN_REWRITTEN', decision: 'wait' })
      expect(loop.head().state.tenants.has('bank')).toBe(false)
    })

    it('goes on when main is put back', async () => {
      await git(`git push -q --force-with-lease origin ${judged}:main`)
      await registry.commit(tenant('third'))
      await loop.decided({ subject: 'tenants/third', decision: 'allow' })
      expect(loop.head().state.tenants.has('bank')).toBe(false)
    })

    it('goes on when an owner accepted it, and not when somebody else did', async () => {
      const accept = (person: string, options = {}) =>
        runCommand(
          'approve',
          [],
          { main: true, json: true, key: join(registry.folder, person), ...options },
          { cwd: clone, env: env() },
        )
      const shown = await accept('ben', { show: true })
      expect([shown.code, shown.out]).toEqual([0, ''])
      expect(shown.err).toContain('tenants/bank/tenant.yaml')
      expect((await accept('cora')).code).toBe(1)
      const { code, out } = await accept('ben')
      expect(code).toBe(0)
      const { branch, statement } = JSON.parse(out) as { branch: string; statement: string }
      expect(statement).toContain(`contractor main v1 acme ${judged} `)
      await git(`git fetch -q origin && git merge -q --ff-only origin/${branch} && git push -q origin HEAD:main`)
      const accepted = await loop.decided({ subject: 'main', decision: 'allow', reason_code: 'CHANGED' })
      expect(accepted.people.approvers).toEqual(['ben'])
      await loop.decided({ subject: 'tenants/bank', decision: 'allow' })
    })
  })

  it('restored-backup.md: nothing goes back, and everything goes on when the newest live was pushed again', async () => {
    const backup = join(registry.folder, 'backup.git')
    await cp(registry.location, backup, { recursive: true })
    await registry.commit(tenant('bank'))
    await loop.decided({ subject: 'tenants/bank', decision: 'allow' })
    const { oid, seq } = loop.head()
    await git('git fetch -q origin')
    await loop.stop()
    await registry.repository.close()
    await rm(registry.location, { recursive: true })
    await cp(backup, registry.location, { recursive: true })
    const restored = { ...registry, repository: await openRepository(registry.location) }
    expect(await faultReason(() => runLoop(restored))).toBe('OBJECT_MISSING')
    expect(bare('rev-parse', 'live')).not.toBe(oid)
    await git(`git push -q origin ${oid}:refs/heads/live origin/main:refs/heads/main`)
    await restored.repository.close()
    const again = { ...registry, repository: await openRepository(registry.location) }
    loop = await runLoop(again)
    expect(loop.head()).toMatchObject({ oid, seq })
    expect(loop.head().state.tenants.has('bank')).toBe(true)
  })
})
