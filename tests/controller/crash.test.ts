import { spawn, type ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { runLoop } from '../support/running-loop.ts'
import { stockGit } from '../support/stock-repository.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'

const MAIN = fileURLToPath(new URL('../../controller/main.js', import.meta.url))
const KILLS = 6
const TENANTS = ['a', 'b', 'c']
const bundles = [tinyBundle('faq', '1.0.0'), tinyBundle('faq', '1.1.0')] as const
const versions = bundles.map((files, index) => ({ version: `1.${index}.0`, digest: digestOf('faq', files) }))

describe('a controller that is killed in the middle of promotions', () => {
  let registry: TestRegistry
  let child: ChildProcess | null = null

  beforeEach(async () => {
    registry = await openTestRegistry()
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
    const loop = await runLoop(registry)
    await registry.commit({
      ...bundles[0],
      ...Object.fromEntries(TENANTS.map((name) => [`tenants/${name}/tenant.yaml`, 'status: active\n'])),
    })
    await loop.decided({ subject: 'bundles/faq/1.0.0', reason_code: 'SEALED' })
    await registry.commit(bundles[1])
    await loop.decided({ subject: 'bundles/faq/1.1.0', reason_code: 'SEALED' })
    await loop.stop()
  })
  afterEach(async () => {
    child?.kill('SIGKILL')
    await registry.close()
  })

  it('leaves a clean repository, and goes on where it was', { timeout: 120_000 }, async () => {
    const git = await stockGit(registry)
    let commits = 0
    for (let kill = 0; kill < KILLS; kill++) {
      child = await startChild(registry)
      // The moments differ from run to run by themselves: promotions take as long as the disk does.
      const ends = performance.now() + 40 + kill * 35
      while (performance.now() < ends) {
        const { version, digest } = versions[commits % 2]!
        const tenant = TENANTS[commits % TENANTS.length]!
        await registry.commit({ [`tenants/${tenant}/aliases/candidate.yaml`]: aliasFile('faq', version, digest) })
        commits += 1
        await sleep(3)
      }
      const ended = new Promise((resolve) => child?.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
      await git('fsck', '--full', '--strict')
    }
    const loop = await runLoop(registry, 'child')
    await loop.reconcileNow()
    await loop.stop()
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    const seqs: number[] = []
    const { state } = await verifyLedger({
      reader: registry.repository,
      root: registry.root,
      accepted: null,
      head,
      onStep: ({ seq }) => seqs.push(seq),
    })
    expect(seqs.length).toBeGreaterThan(KILLS)
    expect(seqs).toEqual(seqs.map((_, index) => index))
    for (const tenant of TENANTS) {
      const wanted = await git('show', `main:tenants/${tenant}/aliases/candidate.yaml`)
      expect(wanted).toContain(state.tenants.get(tenant)?.aliases.candidate?.digest)
    }
    expect(await git('for-each-ref', '--format=%(refname)')).not.toContain('.lock')
  })
})

/** Answers when it looks at `main`. */
async function startChild({ folder, location }: TestRegistry): Promise<ChildProcess> {
  const env = {
    PATH: process.env['PATH'],
    CONTRACTOR_REGISTRY: location,
    CONTRACTOR_TRUST: join(folder, 'root.json'),
    CONTRACTOR_KEYS: folder,
    CONTRACTOR_STATE_DIR: join(folder, 'child'),
    CONTRACTOR_CONTROLLER_PORT: '0',
    CONTRACTOR_POLL_INTERVAL_MS: '50',
  }
  const started = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes('"listening"')) resolve()
      })
    started.once('exit', () => reject(new Error(`the controller did not start: ${output}`)))
  })
  return started
}
