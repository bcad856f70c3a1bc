import { readFileSync } from 'node:fs'
import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { parseRoot } from './root.ts'

/** The pinned root. @throws Fault `CONFIG_INVALID` where the file cannot be read or is no root. */
export function readRoot(path: string): Root {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `The pinned root ${path} cannot be read; name the root.json of the registry.`, {
      cause: error,
    })
  }
  return parseRoot(bytes)
}
