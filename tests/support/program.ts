import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { CONTRACTOR } from './embedded.ts'
import { eventually } from './eventually.ts'
import type { Ran } from './shell.ts'

/** Runs `contractor` as its own process, and never throws for an exit code. */
export function contractor(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [CONTRACTOR, ...args], { cwd, env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

export type Server = { url: string; process: ChildProcess; log(): string; stop(): Promise<number | null> }

/** Starts `contractor controller` or `contractor runtime`, and answers when it says where it listens. */
export async function startServer(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const child = spawn(process.execPath, [CONTRACTOR, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const url = await eventually(
    async () => (child.exitCode === null ? (/http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0] ?? null) : log),
    (found) => found !== null,
    30_000,
  )
  if (url === null || child.exitCode !== null) throw new Error(`contractor ${args.join(' ')} ended: ${log}`)
  return {
    url,
    process: child,
    log: () => log,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
      return child.exitCode
    },
  }
}
