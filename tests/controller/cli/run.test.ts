import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'

/** A client as a team's tests have one: asks, and writes down what it was answered. */
const CLIENT = `
const { CONTRACTOR_RUNTIME_URL: url, CONTRACTOR_API_KEY: key, CONTRACTOR_TENANT: tenant } = process.env
const response = await fetch(url + '/execute', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': tenant, 'X-Api-Key': key },
  body: JSON.stringify({ input: { question: 'When do you open?' } }),
})
const { writeFileSync } = await import('node:fs')
writeFileSync(process.argv[1], JSON.stringify({ url, tenant, status: response.status, body: await response.json() }))
process.exit(7)
`

describe('contractor run', () => {
  let clone: AuthorClone
  beforeAll(async () => {
    clone = await openAuthorClone()
  }, 60_000)
  afterAll(() => clone.close())

  it('gives a command a Runtime with the bundles of the work tree, and ends as the command ends', async () => {
    await clone.write({
      'bundles/faq/templates/opening_hours.j2': 'Always, {{ facts.opens }}.\n',
      'bundles/faq/suites/golden.json': null,
    })
    const told = join(clone.root, '.git', 'told.json')
    const { code, err } = await clone.run('run', [process.execPath, '--input-type=module', '-e', CLIENT, told])
    expect(err).toContain('for acme')
    expect(code).toBe(7)
    const { url, ...answered } = JSON.parse(await readFile(told, 'utf8')) as { url: string }
    expect(answered).toMatchObject({
      tenant: 'acme',
      status: 200,
      body: { bundle: { name: 'faq', version: '0.1.0' }, output: { answer: 'Always, 09:00.' } },
    })
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  }, 60_000)

  it('does not run the command where the gates refuse the bundle', async () => {
    await clone.write({
      'bundles/faq/suites/routing.json':
        '{"suite":"routing","kind":"routing","cases":[{"name":"x","input":{"question":"x"},"expect":{"intent":"contact"}}]}\n',
    })
    const { code, err } = await clone.run('run', ['touch', join(clone.root, '.git', 'ran')])
    expect(code).toBe(1)
    expect(err).toContain('SUITE_FAILED')
    await expect(readFile(join(clone.root, '.git', 'ran'))).rejects.toThrow()
    await clone.git('git checkout -q bundles')
  }, 60_000)

  it('says which command could not be started', async () => {
    expect((await clone.run('run', ['no-such-command-anywhere'])).code).toBe(2)
  }, 60_000)
})
