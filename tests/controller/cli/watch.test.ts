import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONTRACTOR } from '../../support/embedded.ts'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'

describe('a command that watches', () => {
  let clone: AuthorClone
  beforeAll(async () => {
    clone = await openAuthorClone()
  }, 60_000)
  afterAll(() => clone.close())

  it.each([
    ['check', ['check', '--watch', '--json']],
    ['test', ['test', 'faq', '--watch', '--json']],
  ])(
    '%s answers now, and again after every save',
    async (_name, args) => {
      const child = spawn(process.execPath, [CONTRACTOR, ...args], {
        cwd: clone.root,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
        const next = async () =>
          JSON.parse((await lines.next()).value as string) as { verdict?: string; error?: unknown }
        expect(await next()).toMatchObject({ verdict: 'pass' })
        const path = 'bundles/faq/templates/opening_hours.j2'
        const text = await readFile(join(clone.root, path), 'utf8')
        await clone.write({ [path]: 'We are closed.\n' })
        expect(await next()).toMatchObject({ verdict: 'fail' })
        await clone.write({ [path]: text })
        expect(await next()).toMatchObject({ verdict: 'pass' })
      } finally {
        const exit = once(child, 'exit')
        child.kill('SIGINT')
        expect(await exit).toEqual([0, null])
      }
    },
    60_000,
  )
})
