import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import { emptyEnvironment, startEmbedded, type Embedded } from '../support/embedded.ts'
import { mustRun, shell } from '../support/shell.ts'

describe('the README', () => {
  let readme: string
  let folder: string
  let env: NodeJS.ProcessEnv
  let up: Embedded

  beforeAll(async () => {
    readme = await readFile(join(PACKAGE_ROOT, 'README.md'), 'utf8')
    folder = await mkdtemp(join(tmpdir(), 'contractor-readme-'))
    env = await emptyEnvironment()
    up = await startEmbedded({ home: join(folder, '.contractor'), env })
  })
  afterAll(() => up.stop())

  const block = (name: string) => new RegExp(`<!-- executed: ${name} -->\n\`\`\`sh\n([^]*?)\`\`\``).exec(readme)![1]!

  it('leads an engineer from an edit to production and back in the commands that it shows', async () => {
    const script = `set -euo pipefail\n${block('engineer')}`
    const { code, stdout, stderr } = await shell(script, folder, env)
    expect(`${stderr}\nended with ${code}`).toContain('ended with 0')
    expect(stdout).toContain('4 to 6 days')
    const after = stdout.slice(stdout.lastIndexOf('4 to 6 days'))
    expect(after).toContain('3 to 5 days')
    expect(after).toContain('every commit signed')
  }, 60_000)

  it('shows a request that a tenant can send', async () => {
    const request = block('tenant').replaceAll('http://127.0.0.1:8080', up.runtime)
    const answer = JSON.parse(await mustRun(request, folder, { ...env, KEY: up.demo.api_key })) as object
    expect(answer).toMatchObject({ tenant: 'acme', outcome: 'answered', intent: 'card_arrival' })
  })

  it('names two commands that package.json has', async () => {
    const { scripts } = JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    expect(readme).toMatch(/^npm start/m)
    expect(readme).toMatch(/^npm test/m)
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']))
  })
})
