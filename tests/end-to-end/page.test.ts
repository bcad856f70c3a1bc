import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONTRACTOR, emptyEnvironment } from '../support/embedded.ts'
import { eventually } from '../support/eventually.ts'
import { mustRun } from '../support/shell.ts'

describe('the page that `npm start` prints', () => {
  let folder: string
  let env: NodeJS.ProcessEnv
  let child: ChildProcess
  let page = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contractor-page-'))
    env = await emptyEnvironment()
    const args = [CONTRACTOR, 'up', '--port', '0', '--runtime-port', '0']
    child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout!.on('data', (chunk: Buffer) => (page += chunk.toString()))
    await eventually(
      () => Promise.resolve(page),
      (text) => text.includes('Ctrl-C') || child.exitCode !== null,
      60_000,
    )
  })
  afterAll(async () => {
    const exit = once(child, 'exit')
    child.kill('SIGINT')
    await exit
  })

  const command = (title: string) => new RegExp(`^\\d ${title} .*\\n  (.+)$`, 'm').exec(page)![1]!
  const work = () => join(folder, '.contractor', 'work')
  const version = async () => /"version":"([^"]+)"/.exec(await mustRun(command('Ask'), folder, env))?.[1]
  const becomes = (wanted: string) => eventually(version, (found) => found === wanted)

  it('says what is live and where, as plain lines without a terminal', () => {
    expect(page).toMatch(/✔ registry {2}✔ 3 tenants live {2}✔ every signature verified {3}\d+\.\d s/)
    expect(page).toMatch(
      /Controller http:\/\/127\.0\.0\.1:\d+ {3}Runtime http:\/\/127\.0\.0\.1:\d+ {3}Registry \.contractor\/work/,
    )
    expect(page).not.toContain('\u001b')
  })

  it('can be followed to the letter', async () => {
    expect(await mustRun(command('Ask'), folder, env)).toContain('3 to 5 days')
    await mustRun(command('Promote'), folder, env)
    await becomes('1.2.0')
    expect(await mustRun(command('Ask again'), work(), env)).toContain('2 to 3 days')
    await mustRun(command('Undo'), work(), env)
    await becomes('1.1.0')
    await mustRun(command('Cheat'), work(), env)
    const refused = await mustRun('"$PWD/../bin/contractor" wait acme --json || true', work(), env)
    expect(JSON.parse(refused)).toMatchObject({ live: false, refused: { reason_code: 'APPROVAL_MISSING' } })
    expect(await version()).toBe('1.1.0')
    await mustRun(command('Take back'), work(), env)
    expect(await mustRun('"$PWD/../bin/contractor" wait acme', work(), env)).toContain('acme/current holds')
    expect(await mustRun(command('Prove it'), work(), env)).toContain('every commit signed')
  }, 60_000)
})
