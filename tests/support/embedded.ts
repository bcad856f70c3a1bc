import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What `contractor up --json` prints (DESIGN section 7). */
export type UpLine = {
  registry: string
  controller: string
  runtime: string
  root: string
  allowed_signers: string
  demo: {
    tenant: string
    api_key: string
    operator_key: string
    question: string
    author: { name: string; email: string }
    approver: string
    approver_key: string
  }
}

export type Embedded = UpLine & {
  home: string
  process: ChildProcess
  /** Standard error so far. */
  log(): string
  /** Ctrl-C, and the exit code. */
  stop(): Promise<number | null>
}

export const CONTRACTOR = fileURLToPath(new URL('../../controller/cli/contractor.js', import.meta.url))

/** An environment as on a machine where nobody has configured anything. */
export async function emptyEnvironment(): Promise<NodeJS.ProcessEnv> {
  const home = await mkdtemp(join(tmpdir(), 'contractor-home-'))
  return { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C.UTF-8' }
}

/** Starts the embedded default as a script does, on free ports. */
export async function startEmbedded(options: { home?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Embedded> {
  const home = options.home ?? join(await mkdtemp(join(tmpdir(), 'contractor-up-')), 'home')
  const env = options.env ?? (await emptyEnvironment())
  const args = [CONTRACTOR, 'up', '--dir', home, '--port', '0', '--runtime-port', '0', '--json']
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('\n')) resolve(output.slice(0, output.indexOf('\n')))
    })
    child.once('exit', (code) => reject(new Error(`contractor up ended with ${code}: ${errors}${output}`)))
  })
  const said = JSON.parse(line) as UpLine | { error: unknown }
  if ('error' in said) throw new Error(`contractor up refused: ${line}`)
  return {
    ...said,
    home,
    process: child,
    log: () => errors,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const exit = once(child, 'exit')
      child.kill('SIGINT')
      await exit
      return child.exitCode
    },
  }
}
