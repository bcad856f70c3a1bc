import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { COMMANDS } from '../../../controller/cli/commands.ts'
import { runContractor } from '../../../controller/cli/program.ts'
import { emptyEnvironment } from '../../support/embedded.ts'
import { mustRun } from '../../support/shell.ts'

/** Calls that are wrong in what they say, in a clone of a registry that nobody pinned a root for. */
const WRONG: string[][] = [
  ['init', 'Upper_Case'],
  ['init', 'other', '--id', 'Not An Id', '--key', 'ana.pub'],
  ['init', 'other', '--owner', '../ana', '--key', 'ana.pub'],
  ['init', 'other', '--key', 'nothing.pub'],
  ['init', 'other', '--key', 'rsa.pub'],
  ['init', '.', '--id', 'acme', '--key', 'ana.pub'],
  ['new', 'bundle', '../escape'],
  ['new', 'bundle', 'Upper'],
  ['new', 'bundle', 'faq'],
  ['new', 'tenant', '../../etc'],
  ['new', 'tenant', 'bundles'],
  ['check', '--format', 'docx'],
  ['check', '--base', 'no-such-revision'],
  ['check', '--write', 'report.docx'],
  ['check', '--registry', '/nowhere'],
  ['test', 'nothing'],
  ['try', 'nothing', 'a question'],
  ['promote', 'shop', 'faq@0.1.0'],
  ['promote', 'shop', '--to', 'production', 'faq@0.1.0'],
  ['promote', 'shop', '--to', 'current', 'faq@0.1.0'],
  ['approve', 'shop', 'draft'],
  ['approve', 'shop', 'current', '--trust', 'nothing.json'],
  ['rollback', 'shop', '--trust', 'ana.pub'],
  ['resume', 'shop'],
  ['revoke', 'faq@0.1.0'],
  ['revoke', 'faq@0.1.0', '--reason', 'wrong'],
  ['completion', 'tcsh'],
  ['wait', 'shop', '--alias', 'production'],
  ['wait', 'shop', '--digest', 'sha256:1'],
  ['wait', 'shop', '--timeout', '-1'],
  ['wait', 'shop', '--timeout', 'soon'],
  ['wait', '../shop'],
  ['status', '--offline'],
  ['log', '--limit', '0'],
  ['log', '--limit', 'many'],
  ['exec', 'shop', 'a question'],
  ['exec', 'shop', 'a question', '--runtime', 'http://127.0.0.1:1'],
  ['verify', '--offline'],
  ['audit', 'verify', '--dir', 'nowhere'],
  ['audit', 'prove', 'x', '--dir', 'nowhere'],
  ['keys', 'create', 'shop', '--id', '../id'],
  ['keys', 'create', 'shop', '--id', 'web'],
  ['keys', 'create', 'shop', '--scopes', 'everything'],
  ['keys', 'create', 'shop', '--expires', 'tomorrow'],
  ['keys', 'revoke', 'shop', 'nothing'],
  ['root', 'init'],
  ['root', 'init', '--registry', 'git@example.org:acme/registry.git'],
  ['root', 'init', '--registry', 'https://user:secret@example.org/registry.git'],
  ['root', 'init', '--registry', '.', '--out', 'ana.pub'],
  ['controller'],
  ['controller', '--registry', '.', '--trust', 'nothing.json'],
  ['controller', '--registry', '.', '--trust', 'ana.pub'],
  ['controller', '--registry', '.', '--port', '70000'],
  ['runtime'],
  ['runtime', '--registry', '.', '--trust', 'nothing.json'],
  ['runtime', '--registry', '.', '--trust', 'ana.pub', '--poll', '0'],
  ['explain', 'NO_SUCH_CODE'],
  ['up', '--port', 'x'],
  ['nonsense'],
]

describe('a command that is called wrongly', () => {
  let folder: string
  let env: NodeJS.ProcessEnv
  const before = { cwd: process.cwd(), home: process.env['HOME'] }

  beforeAll(async () => {
    env = await emptyEnvironment()
    folder = await mkdtemp(join(tmpdir(), 'contractor-usage-'))
    process.env['HOME'] = env['HOME']
    process.chdir(folder)
    await mustRun(
      `git config --global user.name Ana && git config --global user.email ana@acme.example
       ssh-keygen -q -t ed25519 -N '' -f ana && ssh-keygen -q -t rsa -b 1024 -N '' -f rsa || ssh-keygen -q -t rsa -N '' -f rsa`,
      folder,
      env,
    )
    await called('init', '.', '--id', 'acme', '--key', 'ana.pub')
    await called('new', 'bundle', 'faq')
    await called('new', 'tenant', 'shop')
    await writeFile(join(folder, '.gitignore'), 'ana*\nrsa*\n')
    await mustRun('git add -A && git commit -q -m begin', folder, env)
    await called('keys', 'create', 'shop', '--id', 'web', '--branch', 'main')
  })
  afterAll(async () => {
    process.chdir(before.cwd)
    process.env['HOME'] = before.home
    await rm(folder, { recursive: true })
  })

  /** Runs the program in this process; what it prints is caught. */
  async function called(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const printed = { out: '', err: '' }
    const caught = (name: 'out' | 'err') => (text: string | Uint8Array) => {
      printed[name] += String(text)
      return true
    }
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation(caught('out')),
      vi.spyOn(process.stderr, 'write').mockImplementation(caught('err')),
    ]
    try {
      return { code: await runContractor(argv, env), ...printed }
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  }

  const written = async () => ({
    files: await readdir(folder, { recursive: true }).then((found) =>
      found.filter((path) => !path.startsWith('.git/')).sort(),
    ),
    git: await mustRun('git status --porcelain && git for-each-ref && git rev-parse --abbrev-ref HEAD', folder, env),
  })

  it.each(WRONG.map((argv) => [argv.join(' '), argv] as const))('%s', async (_, argv) => {
    const state = await written()
    const { code, out, err } = await called(...argv)
    expect({ code, out, err }).toMatchObject({ code: 2, out: '' })
    expect(err).not.toMatch(/\n\s+at |secret|INTERNAL/)
    expect(err.length).toBeGreaterThan(20)
    const json = await called(...argv, '--json')
    expect(json.code).toBe(code)
    if (argv[0] !== 'nonsense')
      expect(JSON.parse(json.out)).toMatchObject({ error: { reason_code: expect.any(String) } })
    expect(await written()).toEqual(state)
  })

  it.each(COMMANDS.map(({ name, args = [] }) => [name, args] as const))(
    '%s with an unknown option, too much or too little',
    async (name, args) => {
      const state = await written()
      const words = name.split(' ')
      const required = args.filter(([form]) => form.startsWith('<')).map(() => 'x')
      const calls = [[...words, ...required, '--nonsense']]
      if (!args.some(([form]) => form.includes('...'))) calls.push([...words, ...args.map(() => 'x'), 'more'])
      if (required.length > 0) calls.push([...words, ...required.slice(1)])
      for (const argv of calls) {
        const { code, out, err } = await called(...argv)
        expect({ argv, code, out }).toEqual({ argv, code: 2, out: '' })
        expect(err).not.toMatch(/\n\s+at /)
      }
      expect(await written()).toEqual(state)
    },
  )
})
