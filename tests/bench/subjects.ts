import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Variant } from './execute-server.ts'
import { onOtherCore, pinServer } from './pinned.ts'
import { usageOfProcess } from './process-usage.ts'

/** Processor time since its start, in microseconds, and memory, in bytes. */
export type Usage = { cpuUs: number; rss: number }

/** A running server that is measured. */
export type Subject = { port: number; usage(): Promise<Usage>; stop(): Promise<void> }

/** One of ours; `dir` holds its audit log, and `kill` leaves it as a crash would. */
export type OwnSubject = Subject & { dir: string; kill(): Promise<void> }

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export async function startVariant(variant: Variant): Promise<OwnSubject> {
  const server = fork(fileOf('execute-server.js'), [variant])
  const [{ port, dir = '' }] = (await once(server, 'message')) as [{ port: number; dir?: string }]
  pinServer(server.pid)
  return {
    port,
    dir,
    async usage() {
      const answer = once(server, 'message')
      server.send('usage')
      const [{ cpu, rss }] = (await answer) as [{ cpu: NodeJS.CpuUsage; rss: number }]
      return { cpuUs: cpu.user + cpu.system, rss }
    },
    async stop() {
      const exit = once(server, 'exit')
      server.disconnect()
      await exit
    },
    async kill() {
      if (server.exitCode !== null || server.signalCode !== null) return
      const exit = once(server, 'exit')
      server.kill('SIGKILL')
      await exit
    },
  }
}

/** `@portkey-ai/gateway`, installed in `folder`, which sends on to the URL that a request names. */
export async function startPortkey(folder: string): Promise<Subject> {
  const port = await freePort()
  const script = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const gateway = spawn(process.execPath, [script, '--headless', `--port=${port}`], {
    cwd: folder,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    stdio: 'ignore',
  })
  await answers(`http://127.0.0.1:${port}/`, gateway)
  pinServer(gateway.pid)
  return {
    port,
    async usage() {
      const usage = usageOfProcess(gateway.pid)
      if (usage === null) throw new Error('the gateway ended')
      return usage
    },
    async stop() {
      const exit = once(gateway, 'exit')
      gateway.kill('SIGKILL')
      await exit
    },
  }
}

/** The model that the gateway sends on to. */
export async function startMockModel(): Promise<{ port: number; stop(): void }> {
  const [command, args] = onOtherCore(process.execPath, [fileOf('mock-model.js')])
  const model = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [{ port }] = (await once(model, 'message')) as [{ port: number }]
  return { port, stop: () => model.disconnect() }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300 && server.exitCode === null; attempt += 1) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => null,
    )
    if (status !== null) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} does not answer`)
}
