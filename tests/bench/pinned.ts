import { execFileSync, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

const canPin = cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0

/** How a machine keeps what is measured and what measures it apart, in words. */
export const PINNED = canPin ? 'server on one core, generator on the other' : 'server and generator share all cores'

/** Keeps a process and all of its threads on the first core. */
export function pinServer(pid: number | undefined): void {
  if (canPin && pid !== undefined) execFileSync('taskset', ['-acp', '0', String(pid)], { stdio: 'ignore' })
}

/** A command that runs on the second core. */
export function onOtherCore(command: string, args: readonly string[]): [command: string, args: string[]] {
  return canPin ? ['taskset', ['-c', '1', command, ...args]] : [command, [...args]]
}
