import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0
if (!HAS_REDIS) process.stderr.write('The tests of the store in Redis are skipped: install redis-server to run them.\n')

export type RedisServer = {
  url: string
  password: string
  /** Starts it again at the same port, with what it had written down. */
  start(): Promise<void>
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  close(): Promise<void>
}

/** A real Redis that writes down every command before it answers. */
export async function startRedis(): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const password = 'CANARY-redis-7f3a'
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--requirepass', password]
    const started = spawn('redis-server', [...where, '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''])
    child = started
    await new Promise<void>((resolve, reject) => {
      let text = ''
      started.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (text.includes('Ready to accept connections')) resolve()
      })
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${text}`)))
    })
  }

  async function signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exit = name === 'SIGKILL' ? once(child, 'exit') : null
    child.kill(name)
    await exit
  }

  await start()
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    password,
    start,
    signal,
    async close() {
      await signal('SIGKILL')
      await rm(dir, { recursive: true, force: true })
    },
  }
}
