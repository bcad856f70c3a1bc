import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../controller/cli/judge/check-result.ts'
import { runCommand } from '../../support/author-clone.ts'
import { eventually } from '../../support/eventually.ts'
import { runLoop, type RunningLoop } from '../../support/running-loop.ts'
import { mustRun } from '../../support/shell.ts'
import { openTestRegistry, RULES, type TestRegistry } from '../../support/test-registry.ts'

const SHOP = { 'tenants/shop/tenant.yaml': 'status: active\n' }

describe('a main whose commits must be signed', () => {
  let registry: TestRegistry
  let loop: RunningLoop
  let clone: string
  const env = () => ({ PATH: process.env['PATH'], HOME: registry.folder, LC_ALL: 'C.UTF-8' })

  beforeEach(async () => {
    registry = await openTestRegistry(`${RULES}main: { signatures: required }\n`)
    loop = await runLoop(registry)
    clone = join(registry.folder, 'clone')
    await mustRun(`git clone -q ${registry.location} ${clone}`, registry.folder, env())
    await git('git config user.name ana && git config user.email ana@acme.example && git config gpg.format ssh')
  })
  afterEach(async () => {
    await loop.stop()
    await registry.close()
  })

  const git = (script: string) => mustRun(script, clone, env())
  const key = (person: string) => join(registry.folder, person)

  /** Commits the tenant as stock git does, signed with this key or not at all, and pushes it to main. */
  async function push(name: string, signedBy: string | null): Promise<string> {
    const sign = signedBy === null ? '--no-gpg-sign' : '-S'
    await git(`git config user.signingkey ${key(signedBy ?? 'ana')}
      mkdir -p tenants/${name} && printf 'status: active\\n' > tenants/${name}/tenant.yaml
      git add -A && git commit -q ${sign} -m ${name} && git push -q origin HEAD:main`)
    return (await git('git rev-parse HEAD')).trim()
  }
  const inForce = (name: string) => loop.head().state.tenants.has(name)

  it('takes what somebody of roles.yaml signed', async () => {
    await push('shop', 'ana')
    await loop.decided({ subject: 'tenants/shop', decision: 'allow' })
  })

  it.each([
    ['nobody', null],
    ['a key that is nobody’s', 'heartbeat'],
  ])(
    'refuses what %s signed, also below a signed commit, and goes on when main is put back',
    async (_who, signedBy) => {
      const before = (await git('git rev-parse HEAD')).trim()
      await push('shop', signedBy)
      await loop.decided({ subject: 'main', reason_code: 'MAIN_UNSIGNED', decision: 'deny' })
      await push('other', 'ana')
      await loop.reconcileNow()
      expect([inForce('shop'), inForce('other')]).toEqual([false, false])
      execFileSync('git', ['-C', registry.location, 'update-ref', 'refs/heads/main', before])
      await git(`git reset -q --hard ${before}`)
      await push('third', 'ben')
      await loop.decided({ subject: 'tenants/third', decision: 'allow' })
    },
  )

  it('goes on from an unsigned commit that an owner accepted, and from none after it', async () => {
    const unsigned = await push('shop', null)
    await loop.decided({ subject: 'main', reason_code: 'MAIN_UNSIGNED' })
    await mustRun(`printf '%s' '${JSON.stringify(registry.root)}' > root.json`, registry.folder, env())
    await git(`git config contractor.trust ${join(registry.folder, 'root.json')} && git config commit.gpgsign true`)
    const accept = (person: string) =>
      runCommand('approve', [], { main: true, key: key(person), json: true }, { cwd: clone, env: env() })
    expect((await accept('cora')).code).toBe(1)
    const accepted = await accept('ben')
    expect(accepted.code).toBe(0)
    expect(accepted.err).toContain(unsigned)
    const { branch } = JSON.parse(accepted.out) as { branch: string }
    await git(`git fetch -q origin && git merge -q --ff-only origin/${branch} && git push -q origin HEAD:main`)
    await loop.decided({ subject: 'main', decision: 'allow', reason_code: 'CHANGED' })
    await loop.decided({ subject: 'tenants/shop', decision: 'allow' })
    await git('git config commit.gpgsign false')
    await push('other', null)
    await eventually(
      async () => loop.decisions().filter(({ reason_code }) => reason_code === 'MAIN_UNSIGNED').length,
      (count) => count === 2,
    )
    expect(inForce('other')).toBe(false)
  })

  it('is told ahead by check: an error for main, a warning for a branch', async () => {
    await mustRun(`printf '%s' '${JSON.stringify(registry.root)}' > root.json`, registry.folder, env())
    await git(`git config contractor.trust ${join(registry.folder, 'root.json')}`)
    const check = async () => {
      const options = { json: true, base: 'origin/main' }
      const { out } = await runCommand('check', [], options, { cwd: clone, env: env() })
      const { findings } = JSON.parse(out) as CheckResult
      return findings.filter(({ code }) => code === 'MAIN_UNSIGNED').map(({ severity }) => severity)
    }
    expect(await check()).toEqual([])
    await git('git switch -q -c work && git commit -q --allow-empty --no-gpg-sign -m unsigned')
    expect(await check()).toEqual(['warning'])
    await git('git switch -q main')
    await registry.commit(SHOP)
    await git('git fetch -q origin')
    expect(await check()).toEqual(['error'])
  })
})
