import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ControllerEvent } from '../../controller/events.ts'
import { eventually } from '../support/eventually.ts'
import type { TestRegistry } from '../support/test-registry.ts'

const MAIN = fileURLToPath(new URL('../../controller/main.js', import.meta.url))

export type ControllerProcess = {
  child: ChildProcess
  /** What it told so far. */
  events: ControllerEvent[]
  /** At once. */
  stop(): Promise<void>
}

/** A controller in a process of its own, with its own memory; answers when it listens. */
export async function startControllerProcess(
  { folder, location }: Pick<TestRegistry, 'folder' | 'location'>,
  name: string,
  controllerKey = join(folder, 'controller'),
): Promise<ControllerProcess> {
  const env = {
    PATH: process.env['PATH'],
    CONTRACTOR_REGISTRY: location,
    CONTRACTOR_TRUST: join(folder, 'root.json'),
    CONTRACTOR_KEYS: folder,
    CONTRACTOR_CONTROLLER_KEY_FILE: controllerKey,
    CONTRACTOR_STATE_DIR: join(folder, name),
    CONTRACTOR_CONTROLLER_PORT: '0',
    CONTRACTOR_POLL_INTERVAL_MS: '50',
  }
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const events: ControllerEvent[] = []
  let rest = ''
  let errors = ''
  let isListening = false
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = JSON.parse(line) as ControllerEvent | { type: 'listening' }
      if (event.type === 'listening') isListening = true
      else events.push(event)
    }
  })
  await eventually(
    async () => isListening || child.exitCode !== null,
    (done) => done,
    30_000,
  )
  if (child.exitCode !== null) throw new Error(`the controller ${name} did not start: ${errors}`)
  return {
    child,
    events,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
