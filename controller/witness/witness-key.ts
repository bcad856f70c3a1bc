import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signerFromSeed, type NoteSigner } from '../../runtime/audit/note.ts'
import { absentAsNull, writeDurably } from '../../runtime/git/durable-fs.ts'
import { Fault } from '../../schemas/fault.ts'

/**
 * The key that cosigns checkpoints, made at the first start. Which one it is, the branch `audit` says, whose commits the
 * controller's own key signs.
 * @throws Fault `CONFIG_INVALID` where its file is damaged
 */
export async function openWitnessKey(stateDir: string, registry: string): Promise<NoteSigner> {
  const path = join(stateDir, 'witness.key')
  const name = `${registry}/witness`
  const text = await absentAsNull(readFile(path, 'utf8'))
  if (text === null) {
    const seed = randomBytes(32)
    await writeDurably(path, `${seed.toString('hex')}\n`, 0o600)
    return signerFromSeed(name, seed)
  }
  if (/^[0-9a-f]{64}\n$/.test(text)) return signerFromSeed(name, Buffer.from(text.trim(), 'hex'))
  throw new Fault('CONFIG_INVALID', `${path}: expected 64 hex digits; restore it, or remove it for a new witness key`)
}
