import { join } from 'node:path'

/** Where everything of an embedded installation stands, below one folder (`CONTRACTOR_HOME`). */
export type Home = {
  folder: string
  /** The bare registry that the controller and the Runtime read. */
  registry: string
  /** A working clone, for people. */
  work: string
  keys: string
  /** What the Runtime and the clone pin. */
  root: string
  /** The controller's public key, for stock git's `gpg.ssh.allowedSignersFile`. */
  allowedSigners: string
  controller: string
  runtime: string
  /** The API keys of the example's tenants and of the operator (mode 0600). */
  secrets: string
  /** Where the running installation listens (mode 0600). */
  running: string
  /** Stands while the installation is being made: only then may what stands beside it be removed. */
  making: string
  /** Folder of the command `contractor`. */
  bin: string
}

export function homeAt(folder: string): Home {
  const at = (...parts: string[]) => join(folder, ...parts)
  return {
    folder,
    registry: at('registry.git'),
    work: at('work'),
    keys: at('keys'),
    root: at('root.json'),
    allowedSigners: at('allowed_signers'),
    controller: at('controller'),
    runtime: at('runtime'),
    secrets: at('keys', 'api-keys.json'),
    running: at('running.json'),
    making: at('making'),
    bin: at('bin'),
  }
}
