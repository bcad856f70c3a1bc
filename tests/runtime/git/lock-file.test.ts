import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openLocks } from '../../../runtime/git/lock-file.ts'
import { isGone, processIdentity } from '../../../runtime/git/process-identity.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { bareRepository, importCommits, opened } from '../../support/raw-git.ts'

const LIVE = 'refs/heads/live'
const MODULE = fileURLToPath(new URL('../../../runtime/git/lock-file.js', import.meta.url))

/** Another process that takes a lock and keeps it. */
async function holder(gitdir: string, file: string): Promise<ChildProcess> {
  const script = `const { openLocks } = await import(${JSON.stringify(MODULE)})
    await openLocks(${JSON.stringify(gitdir)}).lock(${JSON.stringify(file)}, 1000)
    process.stdout.write('held'); setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout ?? child, 'data')
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('a lock of ours', () => {
  it('keeps others out while its process lives, and is recovered when it was killed', async () => {
    const gitdir = await bareRepository()
    const tip = importCommits(gitdir, 'refs/heads/main', 1)
    const repository = await opened(gitdir)
    const move = () => repository.updateRefs([{ ref: LIVE, old: null, new: tip }])
    const child = await holder(gitdir, join(gitdir, LIVE))
    try {
      expect(await faultReason(move)).toBe('REF_CONFLICT')
    } finally {
      await killed(child)
    }
    await move()
    expect(await repository.readRef(LIVE)).toBe(tip)
    const again = await opened(gitdir)
    expect(await again.readRef(LIVE)).toBe(tip)
    await Promise.all([repository.close(), again.close()])
    expect(readdirSync(gitdir).filter((name) => name.startsWith('contractor'))).toEqual([])
  })

  it('is recovered by exactly one of many that wait for it', async () => {
    const gitdir = await bareRepository()
    const file = join(gitdir, LIVE)
    await killed(await holder(gitdir, file))
    const stale = readFileSync(`${file}.lock`)
    for (let round = 0; round < 10; round++) {
      const locks = Array.from({ length: 8 }, () => openLocks(gitdir))
      const held = await Promise.allSettled(locks.map((each) => each.lock(file, 50)))
      expect(held.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      await Promise.all(locks.map((each) => each.close()))
      rmSync(`${file}.lock`)
      writeFileSync(`${file}.lock`, stale)
    }
  })

  it('is let go by a holder that was stopped and taken for dead', async () => {
    const gitdir = await bareRepository()
    const file = join(gitdir, LIVE)
    const lock = await openLocks(gitdir).lock(file, 100)
    await lock.assertHeld()
    writeFileSync(`${file}.lock.new`, 'contractor somebody else\n')
    renameSync(`${file}.lock.new`, `${file}.lock`)
    expect(await faultReason(() => lock.assertHeld())).toBe('REF_CONFLICT')
    await lock.release()
    expect(readFileSync(`${file}.lock`, 'utf8')).toBe('contractor somebody else\n')
  })

  it.each([
    ['empty', ''],
    ['of git', `${'a'.repeat(40)}\n`],
    ['of nobody known', 'contractor ???\n'],
  ])('never takes a lock that is %s', async (_, text) => {
    const gitdir = await bareRepository()
    const file = join(gitdir, LIVE)
    writeFileSync(`${file}.lock`, text)
    const locks = openLocks(gitdir)
    expect(await faultReason(() => locks.lock(file, 20))).toBe('REF_CONFLICT')
    expect(existsSync(`${file}.lock`)).toBe(true)
    await locks.close()
  })
})

describe('isGone', () => {
  const [boot, namespace, pid, start] = processIdentity().split('-')
  it.each([
    ['this process', [boot, namespace, pid, start], 0, false],
    ['this process, long ago', [boot, namespace, pid, start], 1e9, false],
    ['a process before the machine started again', ['0'.repeat(32), namespace, pid, start], 0, true],
    ['a pid that another process has now', [boot, namespace, pid, '1'], 0, true],
    ['a pid that nobody has', [boot, namespace, '4194304', start], 0, true],
    ['another container, just now', [boot, '1', '1', '1'], 1000, false],
    ['another container, a minute ago', [boot, '1', '1', '1'], 60_000, true],
  ] as const)('judges %s', (_, identity, ageMs, gone) => {
    expect(isGone(identity.join('-'), ageMs)).toBe(gone)
  })
})
