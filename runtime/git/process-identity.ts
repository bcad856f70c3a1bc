import { readFileSync, readlinkSync } from 'node:fs'

/** How long a lock of a process that cannot be seen (another container on this machine) is taken for live. */
const UNSEEN_GRACE_MS = 30_000

/**
 * Names this process so that another can tell later whether it still runs: boot id, process id namespace, pid and
 * start time. Where the system does not tell one of them it is `0`.
 */
export function processIdentity(): string {
  return (own ??= [bootId(), pidNamespace(), process.pid, startTime(process.pid)].join('-'))
}

let own: string | null = null

export const IDENTITY = /^[0-9a-f]{1,32}-\d{1,12}-\d{1,10}-\d{1,20}$/

/**
 * Whether the process of this identity is certainly gone. An identity of another pid namespace cannot be asked; it is
 * taken for gone when what it holds is older than half a minute (and a holder looks again before it moves anything).
 */
export function isGone(identity: string, ageMs: number): boolean {
  const [boot, namespace, pid, start] = identity.split('-')
  if (boot !== bootId()) return true
  if (namespace !== pidNamespace()) return ageMs > UNSEEN_GRACE_MS
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true
  }
  return startTime(Number(pid)) !== start
}

function bootId(): string {
  return systemFile(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll(/[^0-9a-f]/g, ''))
}

function pidNamespace(): string {
  return systemFile(() => readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, ''))
}

/** In clock ticks since boot: the 22nd field of `/proc/<pid>/stat`, the 20th behind the command's bracket. */
function startTime(pid: number): string {
  return systemFile(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
  })
}

function systemFile(read: () => string): string {
  try {
    return read() || '0'
  } catch {
    return '0'
  }
}
