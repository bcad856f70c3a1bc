import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { COMMANDS } from '../../controller/cli/commands.ts'
import type { Call } from '../../controller/cli/command.ts'
import { reportFailure } from '../../controller/cli/exit.ts'
import { openTerminal } from '../../controller/cli/terminal.ts'
import { openEvents } from '../../controller/events.ts'
import { openSandbox, type Sandbox } from '../../controller/gates/sandbox.ts'
import { nothingCompared } from '../../controller/gates/shadow.ts'
import { startLoop, type Loop } from '../../controller/loop.ts'
import { openMemoryFiles } from '../../controller/promotion/memory-files.ts'
import { mustRun } from './shell.ts'
import { faq } from './scaffold.ts'
import { aliasFile, openTestRegistry, type FileChanges, type TestRegistry } from './test-registry.ts'

/** What one command printed, and how it ended. */
export type Ran = { code: number; out: string; err: string }

/** An engineer's clone of a registry in which faq 0.1.0 is sealed, and current for acme. */
export type AuthorClone = {
  root: string
  registry: TestRegistry
  /** Digest of faq 0.1.0. */
  digest: string
  git(script: string): Promise<string>
  /** Writes files of the work tree; null removes one. */
  write(changes: FileChanges): Promise<void>
  /** Runs a command as the program does, in this process. */
  run(name: string, args?: string[], options?: Call['options'], env?: NodeJS.ProcessEnv): Promise<Ran>
  close(): Promise<void>
}

export async function openAuthorClone(): Promise<AuthorClone> {
  const registry = await openTestRegistry()
  const root = join(registry.folder, 'clone')
  const digest = await promoteFaq(registry)
  const env = { PATH: process.env['PATH'], HOME: registry.folder, LC_ALL: 'C.UTF-8' }
  const git = (script: string) => mustRun(script, root, env)
  await mustRun(`git clone -q ${registry.location} ${root}`, registry.folder, env)
  await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
  await git(`git config user.name ana && git config user.email ana@acme.example
    git config contractor.trust ${join(registry.folder, 'root.json')} && git switch -q -c work`)
  return {
    root,
    registry,
    digest,
    git,
    async write(changes) {
      for (const [path, text] of Object.entries(changes)) {
        if (text === null) await rm(join(root, path))
        else {
          await mkdir(dirname(join(root, path)), { recursive: true })
          await writeFile(join(root, path), text)
        }
      }
    },
    run: (name, args = [], options = {}, more = {}) =>
      runCommand(name, args, options, { cwd: root, env: { ...env, ...more } }),
    close: () => registry.close(),
  }
}

/** Runs a command by its name, with its options as commander would hand them over. */
export async function runCommand(
  name: string,
  args: string[],
  options: Call['options'],
  { cwd, env }: Pick<Call, 'cwd' | 'env'>,
): Promise<Ran> {
  const spec = COMMANDS.find((command) => command.name === name)
  if (spec === undefined) throw new Error(`there is no command ${name}`)
  const printed = { out: '', err: '' }
  const terminal = {
    ...openTerminal(options['json'] === true, { NO_COLOR: '1' }),
    out: (text: string) => void (printed.out += text.endsWith('\n') ? text : `${text}\n`),
    err: (text: string) => void (printed.err += text.endsWith('\n') ? text : `${text}\n`),
  }
  try {
    const code = await spec.run({ args, options, terminal, env, cwd })
    return { code, ...printed }
  } catch (error) {
    return { code: reportFailure(error, terminal), ...printed }
  }
}

/** Faq as `contractor new bundle` writes it, by paths from the top of the registry. */
export function faqFiles(...changes: Parameters<typeof faq>): FileChanges {
  return Object.fromEntries([...faq(...changes)].map(([path, body]) => [`bundles/faq/${path}`, body.toString()]))
}

const TENANT = {
  'tenants/acme/tenant.yaml':
    'status: active\nlabels: {}\nlimits: { execute_per_minute: 600 }\nquota: {}\nmax_staleness: PT1H\n',
  'tenants/acme/keys.yaml': 'keys: []\n',
}

/** The controller's loop over a test registry, with the real gates unless told otherwise. */
export async function runRealLoop(registry: TestRegistry, sandbox: Sandbox = openSandbox()): Promise<Loop> {
  return startLoop({
    repository: registry.repository,
    root: registry.root,
    signer: registry.signer,
    heartbeatSigner: registry.heartbeatSigner,
    memory: await openMemoryFiles(join(registry.folder, 'state')),
    sandbox,
    events: openEvents(() => new Date()),
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    pollIntervalMs: 60_000,
    heartbeatIntervalMs: 60_000,
    heartbeatValidMs: 600_000,
    comparisons: () => nothingCompared,
  })
}

async function promoteFaq(registry: TestRegistry): Promise<string> {
  const loop = await runRealLoop(registry)
  try {
    await registry.commit({ ...faqFiles(), ...TENANT })
    const { digest } = await until(loop, () => loop.head().state.seals.get('faq/0.1.0'))
    const pinned = aliasFile('faq', '0.1.0', digest)
    await registry.commit({
      'tenants/acme/aliases/candidate.yaml': pinned,
      'tenants/acme/aliases/current.yaml': pinned,
      ...(await registry.approval('ben', { tenant: 'acme', alias: 'current', digest, state: loop.head().state })),
    })
    await until(loop, () => loop.head().state.tenants.get('acme')?.aliases.current)
    return digest
  } finally {
    await loop.stop()
  }
}

/** Looks again until the loop has it. */
export async function until<T>(loop: { reconcileNow(): Promise<void> }, look: () => T | undefined): Promise<T> {
  for (let left = 600; left > 0; left -= 1) {
    await loop.reconcileNow()
    const found = look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the controller did not get there')
}
