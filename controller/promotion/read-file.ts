import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { FILE, type TreeEntry } from '../../runtime/git/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { ParsedFile } from '../../schemas/parse-file.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Parsed } from './wanted.ts'

/** No file outside a bundle is larger. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/** Faults that say something about what people pushed; any other is of this machine, and stops the look. */
const OF_CONTENT: ReadonlySet<Reason> = new Set([
  'OBJECT_MISSING',
  'OBJECT_CORRUPT',
  'OBJECT_TOO_LARGE',
  'PATH_INVALID',
  'FILE_TOO_LARGE',
  'FILE_INVALID',
  'REF_CORRUPT',
])

/** The result of reading something, or what is wrong with it at `path`. Other failures pass through. */
export async function orFindings<T>(path: string, read: () => Promise<T>): Promise<Parsed<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof Fault && OF_CONTENT.has(error.reason)) return { findings: [findingOf(error, path)] }
    throw error
  }
}

/** Reads and parses one file. */
export async function readParsed<T>(
  reader: ObjectReader,
  entry: TreeEntry,
  path: string,
  parse: (bytes: Buffer, path: string) => ParsedFile<T>,
): Promise<Parsed<T>> {
  const bytes = await readPlain(reader, entry, path)
  if (!('value' in bytes)) return bytes
  const { value, findings } = parse(bytes.value, path)
  return value === null ? { findings } : { value }
}

/** The bytes of a plain file. */
export async function readPlain(reader: ObjectReader, entry: TreeEntry, path: string): Promise<Parsed<Buffer>> {
  if (entry.mode !== FILE) {
    const message = `expected a plain file (mode ${FILE}), found mode ${entry.mode}`
    return { findings: [finding(path, 'PATH_INVALID', message, 'Replace it by a plain file.')] }
  }
  return orFindings(path, () => reader.read(entry.oid, 'blob', MAX_FILE_BYTES))
}

export function finding(path: string, code: Reason, message: string, hint: string): Finding {
  return { gate: 'registry', code, severity: 'error', path, line: 1, column: 1, message, hint }
}

function findingOf({ reason, message }: Fault, path: string): Finding {
  const hint =
    reason === 'OBJECT_TOO_LARGE' ? 'Make the file smaller.' : 'Push it again from a clone that has it whole.'
  return finding(path, reason, message, hint)
}
