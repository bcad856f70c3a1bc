/** One way in which an operation on a file goes wrong (ATTACKS K), as `inject.ts` reads it. */
export type FaultKind = {
  name: string
  kind: string
  /** Operations that it can befall. */
  operations: string
  /** Whether a process that met it once must reach its goal without being started again. */
  passes: boolean
}

const CHANGES = 'create,write,sync,rename,link,remove,mkdir'

export const FAULT_KINDS: readonly FaultKind[] = [
  { name: 'SIGKILL', kind: 'kill', operations: CHANGES, passes: false },
  { name: 'torn write', kind: 'torn', operations: 'write', passes: false },
  { name: 'ENOSPC', kind: 'ENOSPC', operations: 'create,write,link,mkdir,rename', passes: true },
  { name: 'EIO', kind: 'EIO', operations: 'read,write', passes: true },
  { name: 'EMFILE', kind: 'EMFILE', operations: 'open', passes: true },
  // The kernel reports a lost write once: a process that goes on would believe what is not there.
  { name: 'failed fsync', kind: 'EIO', operations: 'sync', passes: false },
]
