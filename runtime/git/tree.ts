import { Fault } from '../../schemas/fault.ts'

/** `mode` as Git writes it: `100644`, `100755`, `120000`, `160000` or `40000`. */
export type TreeEntry = { mode: string; name: string; oid: string }

export const DIRECTORY = '40000'
export const FILE = '100644'
const MODES = new Set([FILE, '100755', '120000', '160000', DIRECTORY])
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The entries of a tree, exactly as its bytes say and in their order.
 * @throws Fault `OBJECT_CORRUPT` where the bytes are not a sorted tree with unique names, `PATH_INVALID` for a mode or
 * name that Git itself would not check out (`..`, `.git`, not UTF-8, …).
 */
export function parseTree(body: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = []
  const names = new Set<string>()
  let before: { key: Buffer; name: string } | null = null
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at)
    const end = body.indexOf(0, at)
    if (space < 0 || end < space || space - at > 6 || end + 21 > body.length)
      throw corrupt(`it ends in the middle of an entry, at byte ${at}`)
    const mode = body.toString('latin1', at, space)
    const rawName = body.subarray(space + 1, end)
    const name = entryName(rawName)
    if (!MODES.has(mode))
      throw new Fault(
        'PATH_INVALID',
        `tree entry "${name}": expected one of the modes ${[...MODES].join(', ')}, found ${JSON.stringify(mode)}`,
      )
    const key = sortKey(mode, rawName)
    if (before !== null && Buffer.compare(before.key, key) >= 0)
      throw corrupt(`"${name}" stands after "${before.name}", but trees are sorted and their names unique`)
    if (names.has(name)) throw corrupt(`"${name}" stands in it twice`)
    names.add(name)
    before = { key, name }
    entries.push({ mode, name, oid: body.toString('hex', end + 1, end + 21) })
    at = end + 21
  }
  return entries
}

/** The bytes of a tree; entries may come in any order. */
export function formatTree(entries: readonly TreeEntry[]): Buffer {
  const sorted = entries
    .map((entry) => ({ entry, name: Buffer.from(entry.name) }))
    .map(({ entry, name }) => ({ entry, name, key: sortKey(entry.mode, name) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
  const body = Buffer.concat(
    sorted.flatMap(({ entry, name }) => [
      Buffer.from(`${entry.mode} `),
      name,
      Buffer.from([0]),
      Buffer.from(entry.oid, 'hex'),
    ]),
  )
  parseTree(body)
  return body
}

function entryName(raw: Buffer): string {
  let name: string
  try {
    name = utf8.decode(raw)
  } catch {
    throw new Fault('PATH_INVALID', `tree entry ${JSON.stringify(raw.toString('latin1'))}: the name is not UTF-8`)
  }
  const plain = name.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '').toLowerCase()
  if (name === '' || name.includes('/') || /^(?:\.{1,2}|\.git[ .]*|git~\d+)(?::.*)?$/.test(plain)) {
    throw new Fault('PATH_INVALID', `tree entry ${JSON.stringify(name)}: such a name is not allowed in a tree`)
  }
  return name
}

/** Git sorts a directory as if its name ended in a slash. */
function sortKey(mode: string, name: Buffer): Buffer {
  return mode === DIRECTORY ? Buffer.concat([name, Buffer.from('/')]) : name
}

function corrupt(message: string): Fault {
  return new Fault('OBJECT_CORRUPT', `tree: ${message}`)
}
