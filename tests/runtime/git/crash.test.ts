import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { promoteOnce } from '../../support/git-promotion.ts'
import { bareRepository, fsck, git, opened } from '../../support/raw-git.ts'

const INJECTOR = new URL('../../support/fault-injector.js', import.meta.url).href
const PROGRAM = fileURLToPath(new URL('../../support/git-promotion-program.js', import.meta.url))
/** Every point in the full sweep, some of them in a usual run. */
const STEP = process.env['CONTRACTOR_FAULTS'] === 'full' ? 1 : 11

function promoteWith(gitdir: string, fault: Record<string, string>) {
  const environment = { PATH: process.env['PATH'], ...fault }
  const run = spawnSync(process.execPath, ['--import', INJECTOR, PROGRAM, gitdir], {
    env: environment,
    encoding: 'utf8',
  })
  const met = !run.stderr.includes('no fault')
  if (fault['FAULT_KIND']?.match(/kill|torn/) && met) expect(run.signal).toBe('SIGKILL')
  return { done: run.status === 0, met }
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
  ['killed before a change', { FAULT_KIND: 'kill-before' }],
  ['killed after a change', { FAULT_KIND: 'kill-after' }],
  ['killed in the middle of a write', { FAULT_KIND: 'torn' }],
  ['out of space', { FAULT_KIND: 'ENOSPC' }],
  ['out of descriptors', { FAULT_KIND: 'EMFILE', FAULT_OPERATION: 'open' }],
  ['at a disk that fails to sync', { FAULT_KIND: 'EIO', FAULT_OPERATION: 'sync' }],
  ['at a rename that fails', { FAULT_KIND: 'EACCES', FAULT_OPERATION: 'rename' }],
])(
  'a promotion is made once and whole after a process that was %s, wherever',
  { timeout: 600_000 },
  async (_, fault) => {
    let points = 0
    for (let at = 1; ; at += STEP) {
      const gitdir = await bareRepository()
      await promoteOnce(gitdir)
      const before = git(gitdir, 'rev-parse', 'live')
      const { done, met } = promoteWith(gitdir, { ...fault, FAULT_AT: String(at) })
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
