import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ask } from '../support/execute.ts'
import { CONTRACTOR, emptyEnvironment, startEmbedded } from '../support/embedded.ts'
import { mustRun, shell } from '../support/shell.ts'

describe('contractor up', () => {
  it('ends with 0 at Ctrl-C, and a second start goes on where the first ended', async () => {
    const env = await emptyEnvironment()
    const first = await startEmbedded({ env })
    const before = (await ask(first.runtime, first.demo, first.demo.question)).body
    expect(await first.stop()).toBe(0)
    const second = await startEmbedded({ env, home: first.home })
    const after = (await ask(second.runtime, second.demo, second.demo.question)).body
    expect(after.bundle).toEqual(before.bundle)
    const busy = await shell(`node ${CONTRACTOR} up --dir ${first.home} --port 0 --runtime-port 0`, '/', env)
    expect(busy).toMatchObject({ code: 2, stderr: expect.stringContaining('already runs') })
    expect(await second.stop()).toBe(0)
  }, 90_000)

  it('goes on after SIGKILL', async () => {
    const env = await emptyEnvironment()
    const first = await startEmbedded({ env })
    first.process.kill('SIGKILL')
    const second = await startEmbedded({ env, home: first.home })
    expect((await ask(second.runtime, second.demo, second.demo.question)).status).toBe(200)
    await mustRun('git fsck --full --strict', `${second.home}/registry.git`, env)
    await second.stop()
  }, 90_000)

  it('removes nothing that it did not make', async () => {
    const env = await emptyEnvironment()
    const folder = await mkdtemp(join(tmpdir(), 'contractor-taken-'))
    await mkdir(join(folder, 'keys'))
    await writeFile(join(folder, 'keys', 'mine'), 'secret')
    const refused = await shell(`node ${CONTRACTOR} up --dir ${folder} --port 0 --runtime-port 0`, '/', env)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('USAGE') })
    expect(await readdir(folder, { recursive: true })).toEqual(['keys', 'keys/mine'])
    const up = await startEmbedded({ env })
    await up.stop()
    await rm(up.registry, { recursive: true })
    const again = `node ${CONTRACTOR} up --dir ${up.home} --port 0 --runtime-port 0`
    expect(await shell(again, '/', env)).toMatchObject({ code: 2, stderr: expect.stringContaining('git clone') })
    await mustRun('git fsck --full --strict && git rev-parse live', `${up.home}/registry.git`, env)
  }, 90_000)

  it.each([
    ['up --port 70000', 'USAGE'],
    ['up --port x', 'USAGE'],
    ['explain NO_SUCH_CODE', 'USAGE'],
    ['status', 'USAGE'],
  ])('%s ends with 2 and says what is wrong', async (args, code) => {
    const { code: exit, stdout, stderr } = await shell(`node ${CONTRACTOR} ${args}`, '/', await emptyEnvironment())
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toContain(code)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('says clearly that a port is taken', async () => {
    const env = await emptyEnvironment()
    const running = await startEmbedded({ env })
    const port = new URL(running.controller).port
    const { code, stderr } = await shell(`node ${CONTRACTOR} up --dir ${running.home}-2 --port ${port}`, '/', env)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`Port ${port}`) })
    await running.stop()
  }, 60_000)
})
