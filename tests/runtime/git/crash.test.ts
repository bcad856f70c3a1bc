import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { promoteOnce } from '../../support/git-promotion.ts'
import { bareRepository, fsck, git, opened } from '../../support/raw-git.ts'

const INJECTOR = new URL('../../faults/inject.js', import.meta.url).href
const PROGRAM = fileURLToPath(new URL('../../support/git-promotion-program.js', import.meta.url))
const CHANGES = 'create,write,sync,rename,link,remove,mkdir'
/** Every point in the full sweep, some of them in a usual run. */
const STEP = process.env['CONTRACTOR_FAULTS'] === 'full' ? 1 : 11

function promoteWith(gitdir: string, fault: Record<string, string>, at: number) {
  const met = join(dirname(gitdir), 'met')
  const env = { PATH: process.env['PATH'], ...fault, FAULT_AT: String(at), FAULT_BELOW: gitdir, FAULT_MET: met }
  const run = spawnSync(process.execPath, ['--import', INJECTOR, PROGRAM, gitdir], { env, encoding: 'utf8' })
  expect(run.stderr).not.toMatch(/ERR_MODULE_NOT_FOUND/)
  return { done: run.status === 0, met: existsSync(met) }
}

/** What must hold after any crash, before anything was repaired. */
async function assertWhole(gitdir: string, before: string): Promise<void> {
  expect(fsck(gitdir)).not.toMatch(/error|missing|corrupt|broken/)
  const repository = await opened(gitdir)
  const live = await repository.readRef('refs/heads/live')
  if (live === before) return
  expect(git(gitdir, 'rev-parse', 'live~1')).toBe(before)
  expect(git(gitdir, 'rev-parse', 'bundles/faq/1.0.1^{}')).toBe(live)
}

it.each([
  ['killed', { FAULT_KIND: 'kill', FAULT_OPERATIONS: CHANGES }],
  ['killed in the middle of a write', { FAULT_KIND: 'torn', FAULT_OPERATIONS: 'write' }],
  ['out of space', { FAULT_KIND: 'ENOSPC', FAULT_OPERATIONS: 'create,write,link,mkdir,rename' }],
  ['out of descriptors', { FAULT_KIND: 'EMFILE', FAULT_OPERATIONS: 'open' }],
  ['at a disk that fails to sync', { FAULT_KIND: 'EIO', FAULT_OPERATIONS: 'sync' }],
  ['at a disk that fails to read and write', { FAULT_KIND: 'EIO', FAULT_OPERATIONS: 'read,write' }],
  ['at a rename that fails', { FAULT_KIND: 'EACCES', FAULT_OPERATIONS: 'rename' }],
])(
  'a promotion is made once and whole after a process that was %s, wherever',
  { timeout: 600_000 },
  async (_, fault) => {
    let points = 0
    for (let at = 1; ; at += STEP) {
      expect(at).toBeLessThan(1000)
      const gitdir = await bareRepository()
      await promoteOnce(gitdir)
      const before = git(gitdir, 'rev-parse', 'live')
      const { done, met } = promoteWith(gitdir, fault, at)
      if (!met) {
        expect(done).toBe(true)
        break
      }
      points++
      await assertWhole(gitdir, before)
      const live = git(gitdir, 'rev-parse', 'live')
      if (live === before) await promoteOnce(gitdir)
      await assertWhole(gitdir, before)
      expect(git(gitdir, 'rev-parse', 'live')).not.toBe(before)
      expect(git(gitdir, 'rev-list', '--count', 'live')).toBe('2')
      const left = [gitdir, `${gitdir}/objects`, `${gitdir}/refs/heads`, `${gitdir}/refs/tags/bundles/faq`].flatMap(
        (directory) => readdirSync(directory),
      )
      expect(left.filter((name) => /^contractor-|^tmp_|\.lock$|^\.tmp/.test(name))).toEqual([])
    }
    expect(points).toBeGreaterThan(0)
  },
)
