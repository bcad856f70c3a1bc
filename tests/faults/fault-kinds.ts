/** One way in which an operation on a file, or a look at the clock, goes wrong (ATTACKS K). */
export type FaultKind = {
  name: string
  /**
   * `kill`: the process is gone before the operation. `torn`: half of the bytes are written, then it is gone.
   * `power`: the machine is gone, with everything that was not fsynced, names and bytes. `power, names first`: the same,
   * but names outlive it and bytes do not. `clock`: the clock jumps. Otherwise an error code, answered once.
   */
  kind: 'kill' | 'torn' | 'power' | 'power, names first' | 'clock' | 'ENOSPC' | 'EIO' | 'EMFILE'
  /** Operations that it can befall. */
  operations: string
  /** Whether a process that met it once must reach its goal without being started again. */
  passes: boolean
  /** Whether it befalls a process of its own, which is slow, and not a machine inside this one. */
  inProcess?: boolean
  /** How far the clock jumps. */
  jumpMs?: number
}

const CHANGES = 'create,write,sync,rename,link,remove,mkdir'
const HOUR_MS = 3_600_000

export const FAULT_KINDS: readonly FaultKind[] = [
  { name: 'SIGKILL', kind: 'kill', operations: CHANGES, passes: false },
  { name: 'SIGKILL, process', kind: 'kill', operations: CHANGES, passes: false, inProcess: true },
  { name: 'torn write', kind: 'torn', operations: 'write', passes: false },
  { name: 'ENOSPC', kind: 'ENOSPC', operations: 'create,write,link,mkdir,rename', passes: true },
  { name: 'EIO', kind: 'EIO', operations: 'read,write', passes: true },
  { name: 'EMFILE', kind: 'EMFILE', operations: 'open', passes: true },
  // The kernel reports a lost write once: a process that goes on would believe what is not there.
  { name: 'failed fsync', kind: 'EIO', operations: 'sync', passes: false },
  { name: 'power loss', kind: 'power', operations: CHANGES, passes: false },
  { name: 'power loss, names', kind: 'power, names first', operations: CHANGES, passes: false },
  { name: 'clock +6 h', kind: 'clock', operations: 'clock', passes: false, jumpMs: 6 * HOUR_MS },
  { name: 'clock -6 h', kind: 'clock', operations: 'clock', passes: false, jumpMs: -6 * HOUR_MS },
  { name: 'clock +10 y', kind: 'clock', operations: 'clock', passes: false, jumpMs: 87_600 * HOUR_MS },
  { name: 'clock -10 d', kind: 'clock', operations: 'clock', passes: false, jumpMs: -240 * HOUR_MS },
]

export const isFatal = ({ kind }: FaultKind): boolean =>
  kind === 'kill' || kind === 'torn' || kind === 'power' || kind === 'power, names first'
