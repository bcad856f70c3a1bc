import { Fault } from '../../schemas/fault.ts'
import { OID } from '../../schemas/names.ts'
import { splitObject } from './object-headers.ts'
import { formatPerson, parsePerson, type Person } from './person.ts'

export type { Person } from './person.ts'

export type Commit = {
  tree: string
  parents: string[]
  author: Person
  committer: Person
  message: string
  /** The raw bytes without the signature: what was signed. */
  payload: Buffer
  /** The armoured text of the one `gpgsig` header. */
  signature: string | null
  /** Names of headers beside those above (`encoding`, `mergetag`, …): the ledger allows none. */
  extraHeaders: string[]
}

const SIGNATURE = 'gpgsig'

/**
 * Reads a commit from its raw bytes.
 * @throws Fault `OBJECT_CORRUPT` for anything that Git would not have written, and for a second signature of any kind.
 */
export function parseCommit(raw: Buffer): Commit {
  const corrupt = (found: string) => new Fault('OBJECT_CORRUPT', `commit: ${found}`)
  const { headers, message } = splitObject(raw, 'commit')
  const take = (name: string) => (headers[at]?.name === name ? headers[at++] : undefined)
  let at = 0
  const tree = take('tree')?.value ?? ''
  const parents: string[] = []
  for (let parent = take('parent'); parent !== undefined; parent = take('parent')) parents.push(parent.value)
  const author = parsePerson(take('author')?.value ?? '')
  const committer = parsePerson(take('committer')?.value ?? '')
  if (!OID.test(tree) || !parents.every((each) => OID.test(each)))
    throw corrupt('expected the ids of its tree and parents')
  if (author === null) throw corrupt('expected "author <name> <<e-mail>> <seconds> <+hhmm>"')
  if (committer === null) throw corrupt('expected "committer <name> <<e-mail>> <seconds> <+hhmm>"')
  const rest = headers.slice(at)
  const known = rest.find(({ name }) => ['tree', 'parent', 'author', 'committer'].includes(name))
  if (known !== undefined) throw corrupt(`the header "${known.name}" stands out of place`)
  const signatures = rest.filter(({ name }) => name.startsWith(SIGNATURE))
  const [signed] = signatures
  if (signatures.length > 1 || (signed !== undefined && signed.name !== SIGNATURE)) {
    throw corrupt(`expected at most one "${SIGNATURE}" header, found ${signatures.map(({ name }) => name).join(', ')}`)
  }
  return {
    tree,
    parents,
    author,
    committer,
    message,
    payload: signed === undefined ? raw : Buffer.concat([raw.subarray(0, signed.start), raw.subarray(signed.end)]),
    signature: signed === undefined ? null : `${signed.value.replace(/\n$/, '')}\n`,
    extraHeaders: rest.filter((header) => header !== signed).map(({ name }) => name),
  }
}

/** The bytes of a commit; with `signature`, as `signedCommit` would make it. */
export function formatCommit(commit: {
  tree: string
  parents: readonly string[]
  author: Person
  committer: Person
  message: string
  signature?: string | null
}): Buffer {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${formatPerson(commit.author)}`,
    `committer ${formatPerson(commit.committer)}`,
  ]
  const payload = Buffer.from(`${lines.join('\n')}\n\n${commit.message}`)
  const raw = commit.signature == null ? payload : signedCommit(payload, commit.signature)
  parseCommit(raw)
  return raw
}

/** Puts an armoured signature into the header of a commit, where `git commit -S` puts it. */
export function signedCommit(payload: Buffer, armour: string): Buffer {
  const blank = payload.indexOf('\n\n') + 1
  const header = `${SIGNATURE} ${armour.replace(/\n$/, '').replaceAll('\n', '\n ')}\n`
  return Buffer.concat([payload.subarray(0, blank), Buffer.from(header), payload.subarray(blank)])
}
