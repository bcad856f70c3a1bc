import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { FILE, type TreeEntry } from '../../runtime/git/tree.ts'
import { orFindings } from './read-file.ts'
import type { SignatureFile } from './wanted.ts'

const NAME_FORM = /^([0-9a-z-]{12,64})\.([a-z0-9][a-z0-9-]{0,62})\.sig$/
const MAX_SIGNATURE_BYTES = 16 * 1024
/** An approval beyond this is not looked at: at worst a change lacks its approval. */
const MAX_FILES = 256

/** Signature files `<key>.<principal>.sig` of a folder, by key; `isWanted` says which keys are worth reading. */
export async function readSignatures(
  reader: ObjectReader,
  entries: readonly TreeEntry[],
  isWanted: (key: string) => boolean,
): Promise<Map<string, SignatureFile[]>> {
  const files = new Map<string, SignatureFile[]>()
  const named = entries.flatMap(({ mode, name, oid }) => {
    const [, key, principal] = NAME_FORM.exec(name) ?? []
    return mode === FILE && key !== undefined && principal !== undefined && isWanted(key)
      ? [{ key, principal, oid }]
      : []
  })
  for (const { key, principal, oid } of named.slice(0, MAX_FILES)) {
    const bytes = await orFindings(key, () => reader.read(oid, 'blob', MAX_SIGNATURE_BYTES))
    if (!('value' in bytes)) continue
    files.set(key, [...(files.get(key) ?? []), { principal, signature: bytes.value.toString('utf8') }])
  }
  return files
}
