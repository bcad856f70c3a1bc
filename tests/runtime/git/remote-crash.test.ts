import { execFile } from 'node:child_process'
import { cpSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { firstParents } from '../../../runtime/git/history.ts'
import { fsck, opened, temporaryDirectory } from '../../support/raw-git.ts'
import { advance, FETCH, LIVE, served } from '../../support/served-registry.ts'

const INJECTOR = new URL('../../faults/inject.js', import.meta.url).href
const PROGRAM = fileURLToPath(new URL('../../support/git-fetch-program.js', import.meta.url))
const STEP = process.env['CONTRACTOR_FAULTS'] === 'full' ? 1 : 7

/** Whether the process came to its fault. */
function fetchWith(url: string, mirror: string, fault: Record<string, string>, at: number): Promise<boolean> {
  const met = `${mirror}.met`
  const env = { PATH: process.env['PATH'], ...fault, FAULT_AT: String(at), FAULT_BELOW: mirror, FAULT_MET: met }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', INJECTOR, PROGRAM, url, mirror, ...FETCH], { env }, () =>
      resolve(existsSync(met)),
    )
  })
}

it.each([
  ['is killed', { FAULT_KIND: 'kill', FAULT_OPERATIONS: 'create,write,sync,rename,link,remove,mkdir' }],
  ['finds no space', { FAULT_KIND: 'ENOSPC', FAULT_OPERATIONS: 'create,write,link,mkdir,rename' }],
])(
  'a mirror is whole after a fetch that %s, wherever, and the next fetch brings all',
  { timeout: 600_000 },
  async (_, fault) => {
    const { gitdir, tip, mirror, url, open } = await served(120)
    const first = await open()
    await first.refresh()
    await first.close()
    const next = advance(gitdir)
    for (let at = 1; ; at += STEP) {
      expect(at).toBeLessThan(500)
      const copy = join(temporaryDirectory(), 'mirror')
      cpSync(mirror, copy, { recursive: true })
      const met = await fetchWith(url, copy, fault, at)
      expect(fsck(copy)).toBe('')
      const repository = await opened(url, { mirror: copy, fetch: FETCH })
      expect([tip, next]).toContain(await repository.readRef(LIVE))
      await repository.refresh()
      expect(await repository.readRef(LIVE)).toBe(next)
      expect(await firstParents(repository, next, null, 1000)).toHaveLength(121)
      await repository.close()
      expect(readdirSync(join(copy, 'scratch'))).toEqual([])
      expect(readdirSync(copy).filter((name) => /^contractor-[^m]/.test(name))).toEqual([])
      if (!met) break
    }
  },
)
