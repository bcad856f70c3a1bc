import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { setPath } from '../../runtime/trust/state-files.ts'
import { emptyEnvironment } from '../support/embedded.ts'
import { contractor } from '../support/program.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { mustRun } from '../support/shell.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'

const TENANTS = ['east', 'north', 'west']
const files = [tinyBundle('faq', '1.0.0'), tinyBundle('faq', '1.1.0')] as const
const [FIRST, SECOND] = files.map((each) => digestOf('faq', each)) as [string, string]

const aliases = (version: string, digest: string, tenants = TENANTS) =>
  Object.fromEntries(
    tenants.flatMap((tenant) =>
      ['candidate', 'current'].map((alias) => [
        `tenants/${tenant}/aliases/${alias}.yaml`,
        aliasFile('faq', version, digest),
      ]),
    ),
  )

describe('one signature for many tenants', { timeout: 60_000 }, () => {
  let registry: TestRegistry
  let loop: RunningLoop
  let clone: string
  let env: NodeJS.ProcessEnv
  beforeEach(async () => {
    registry = await openTestRegistry()
    loop = await runLoop(registry)
    await registry.commit({
      ...files[0],
      ...Object.fromEntries(TENANTS.map((name) => [`tenants/${name}/tenant.yaml`, 'status: active\n'])),
    })
    await loop.decided({ subject: 'bundles/faq/1.0.0', reason_code: 'SEALED' })
    clone = join(registry.folder, 'clone')
    env = await emptyEnvironment()
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
  })
  afterEach(async () => {
    await loop.stop()
    await registry.close()
  })

  /** Approves in a clone what `main` says, and pushes it. */
  async function approve(...options: string[]): Promise<Record<string, unknown>> {
    await mustRun(`rm -rf clone && git clone -q -b main ${registry.location} clone`, registry.folder, env)
    await mustRun('git config user.name ben && git config user.email ben@acme.example', clone, env)
    const args = ['approve', '--set', 'current', '--trust', '../root.json', '--key', '../ben', '--json', ...options]
    const ran = await contractor(args, clone, env)
    if (ran.code !== 0) throw new Error(ran.stderr)
    await mustRun('git push -q origin HEAD:main', clone, env)
    return JSON.parse(ran.stdout) as Record<string, unknown>
  }

  const held = (tenant: string) => loop.head().state.tenants.get(tenant)?.aliases.current

  it('promotes all of them, verifies from the root, and stands on live once', async () => {
    await registry.commit(aliases('1.0.0', FIRST))
    expect(await loop.decided({ subject: 'west/current' })).toMatchObject({ reason_code: 'APPROVAL_MISSING' })
    expect(await approve()).toMatchObject({ principal: 'ben', tenants: TENANTS })
    await loop.reconcileNow()
    for (const tenant of TENANTS) expect(held(tenant)?.digest).toBe(FIRST)
    const [sum] = new Set(TENANTS.map((tenant) => held(tenant)?.approvals[0]?.set))
    expect([...loop.head().state.sets.keys()]).toEqual([sum])
    expect(await mustRun(`git show live:${setPath(sum ?? '')}`, registry.location, env)).toBe(
      TENANTS.map((tenant) => `${tenant} none 0\n`).join(''),
    )
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    const verified = await verifyLedger({ reader: registry.repository, root: registry.root, accepted: null, head })
    expect(verified.seq).toBe(loop.head().seq)
  })

  it('is worth nothing for a tenant that it does not name, nor for another digest', async () => {
    await registry.commit(aliases('1.0.0', FIRST, ['east', 'north']))
    await approve()
    await loop.reconcileNow()
    await registry.commit(aliases('1.0.0', FIRST, ['west']))
    expect(await loop.decided({ subject: 'west/current' })).toMatchObject({ decision: 'deny' })
    expect(held('west')).toBeUndefined()
    await registry.commit(files[1])
    await loop.decided({ subject: 'bundles/faq/1.1.0', reason_code: 'SEALED' })
    await registry.commit(aliases('1.1.0', SECOND, ['east']))
    const to = { bundle: 'faq', version: '1.1.0', digest: SECOND }
    expect(await loop.decided({ subject: 'east/current', to })).toMatchObject({ reason_code: 'APPROVAL_MISSING' })
    expect(held('east')?.digest).toBe(FIRST)
  })

  it('goes from live when no alias names it any more', async () => {
    await registry.commit(aliases('1.0.0', FIRST))
    await approve()
    await loop.reconcileNow()
    const [before] = loop.head().state.sets.keys()
    await registry.commit(files[1])
    await loop.decided({ subject: 'bundles/faq/1.1.0', reason_code: 'SEALED' })
    await registry.commit(aliases('1.1.0', SECOND))
    await approve()
    await loop.reconcileNow()
    for (const tenant of TENANTS) expect(held(tenant)?.digest).toBe(SECOND)
    expect(loop.head().state.sets.size).toBe(1)
    expect(loop.head().state.sets.has(before ?? '')).toBe(false)
  })

  it('that is malformed is told with its place, and counts for nobody', async () => {
    await registry.commit({
      ...aliases('1.0.0', FIRST),
      [`approvals/sets/current/${FIRST.slice(7, 19)}.ben.sig`]: 'no signature',
    })
    expect(await loop.decided({ reason_code: 'APPROVAL_INVALID' })).toMatchObject({ decision: 'deny' })
    expect(held('east')).toBeUndefined()
  })
})
