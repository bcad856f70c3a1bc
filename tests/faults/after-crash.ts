import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { processIdentity } from '../../runtime/git/process-identity.ts'

const LARGEST_OWNER_BYTES = 200

/**
 * Makes what this process left below a folder, before it fell on a machine of its own (`machine.ts`), look as that of a
 * process before the last boot: locks and temporary files name who made them, and whoever made them is gone.
 */
export function asLeftByTheDead(folder: string): void {
  const own = processIdentity()
  const dead = `${own.startsWith('0') ? '1' : '0'}${own.slice(1)}`
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).reverse()) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink()) {
      const target = readlinkSync(path)
      if (!target.includes(own)) continue
      rmSync(path)
      symlinkSync(target.replace(own, dead), path)
    } else if (entry.isFile() && lstatSync(path).size < LARGEST_OWNER_BYTES) {
      const text = readFileSync(path, 'latin1')
      // In place: a lock is a hard link to the file that names its owner.
      if (text.includes(own)) writeFileSync(path, text.replace(own, dead), 'latin1')
    }
    if (entry.name.includes(own)) renameSync(path, join(entry.parentPath, entry.name.replace(own, dead)))
  }
}
