import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { EXAMPLE_FOLDER } from '../../controller/cli/up/example.ts'
import { faqFiles, openAuthorClone, type AuthorClone } from '../support/author-clone.ts'
import { CONTRACTOR } from '../support/embedded.ts'
import { shell } from '../support/shell.ts'

type GitHub = { jobs: { check: { steps: { name?: string; run?: string; with?: Record<string, unknown> }[] } } }
type GitLab = { contractor: { script: string[]; artifacts: { paths: string[]; reports: { junit: string } } } }

const read = async <T>(path: string) => parse(await readFile(join(EXAMPLE_FOLDER, path), 'utf8')) as T
const OURS = /node \S+bootstrap\.mjs/

describe('the ready-made workflow files', () => {
  let clone: AuthorClone
  beforeAll(async () => {
    clone = await openAuthorClone()
    await clone.write(faqFiles({ 'manifest.yaml': (text) => text.replace('0.1.0', '0.2.0') }))
    await clone.git('git add -A && git commit -qm "faq 0.2.0"')
  }, 60_000)
  afterAll(() => clone.close())

  const run = (script: string, more: NodeJS.ProcessEnv) =>
    shell(`set -e\n${script.replace(OURS, `node ${CONTRACTOR}`)}`, clone.root, {
      PATH: process.env['PATH'],
      HOME: clone.registry.folder,
      RUNNER_TEMP: clone.registry.folder,
      ...more,
    })
  const fileOf = (path: string) => readFile(join(clone.root, path), 'utf8')

  it('of GitHub Actions judge a pull request in a whole clone, with the root pinned', async () => {
    const { steps } = (await read<GitHub>('.github/workflows/contractor.yml')).jobs.check
    expect(steps[0]!.with).toMatchObject({ 'fetch-depth': 0 })
    const script = steps.find(({ name }) => name === 'check')!.run!
    const { code, stderr } = await run(script, { BASE: 'origin/main', ROOT: JSON.stringify(clone.registry.root) })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(await fileOf('contractor.md')).toContain('bundles/faq/0.2.0')
    expect(JSON.parse(await fileOf('contractor.sarif'))).toMatchObject({ version: '2.1.0' })
  })

  it('of GitHub Actions judge without a root too, and say what they cannot', async () => {
    const { steps } = (await read<GitHub>('.github/workflows/contractor.yml')).jobs.check
    await clone.git('git config --unset contractor.trust')
    const { code, stderr } = await run(steps.find(({ name }) => name === 'check')!.run!, { BASE: 'origin/main', ROOT: '' })
    await clone.git(`git config contractor.trust ${join(clone.registry.folder, 'root.json')}`)
    expect(code).toBe(0)
    expect(stderr).toContain('No root is pinned')
  })

  it('of GitLab CI judge a merge request and keep the reports that they name', async () => {
    const { script, artifacts } = (await read<GitLab>('.gitlab-ci.yml')).contractor
    const judge = script.filter((line) => !line.includes('git clone') && !line.includes('git fetch')).join('\n')
    const { code, stderr } = await run(judge, {
      CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
      CONTRACTOR_ROOT: join(clone.registry.folder, 'root.json'),
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const path of [...artifacts.paths, artifacts.reports.junit]) expect(await fileOf(path)).not.toBe('')
  })

  it('for a commit run what a pull request runs, on what is about to be committed', async () => {
    const { repos } = await read<{ repos: { hooks: { entry: string }[] }[] }>('.pre-commit-config.yaml')
    const hook = await readFile(join(EXAMPLE_FOLDER, 'hooks/pre-commit'), 'utf8')
    const entries = repos[0]!.hooks.map(({ entry }) => entry)
    expect(hook.split('\n').filter((line) => line.startsWith('contractor '))).toEqual(entries)
    const { code } = await shell(`contractor() { node ${CONTRACTOR} "$@"; }\n${hook}`, clone.root, {
      PATH: process.env['PATH'],
      HOME: clone.registry.folder,
    })
    expect(code).toBe(0)
  })
})
