import type { RuntimeConfig } from './config.ts'
import { startRuntime } from './start.ts'
import { startWorkers } from './workers/primary.ts'

/** Starts a Runtime as it is configured, in this process or in as many workers. @throws Fault like `startRuntime` */
export function startConfigured(config: RuntimeConfig): Promise<{ url: string; stop(): Promise<void> }> {
  return config.workers === 1 ? startRuntime(config) : startWorkers(config, config.workers)
}
