import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { readTree } from '../../runtime/git/tree-files.ts'
import { DIRECTORY, type TreeEntry } from '../../runtime/git/tree.ts'
import { ALIASES, type AliasName, digest12 } from '../../schemas/names.ts'
import { parseAlias, type Alias } from '../../schemas/registry/alias.ts'
import { parseKeys, parseTenantFile, parseValues } from '../../schemas/registry/tenant.ts'
import { finding, orFindings, readParsed } from './read-file.ts'
import { readSignatures } from './signature-files.ts'
import { isReadable, type Parsed, type SignatureFile, type UnreadableTenant, type WantedTenant } from './wanted.ts'

/** Reads `tenants/<name>/`. What is malformed is a finding in its place; the rest is read all the same. */
export async function readTenant(
  reader: ObjectReader,
  name: string,
  entry: TreeEntry,
): Promise<WantedTenant | UnreadableTenant> {
  const path = `tenants/${name}`
  if (entry.mode !== DIRECTORY) return { name, findings: [notAFolder(path)] }
  const folder = await orFindings(path, () => readTree(reader, entry.oid))
  if (!isReadable(folder)) return { name, findings: folder.findings }
  const at = (file: string) => folder.value.find((each) => each.name === file)

  const aliases = await readAliases(reader, `${path}/aliases`, at('aliases'))
  return {
    name,
    settings: await readOne(reader, at('tenant.yaml'), `${path}/tenant.yaml`, parseTenantFile, null),
    keys: await readOne(reader, at('keys.yaml'), `${path}/keys.yaml`, parseKeys, { keys: [] }).then(keysOnly),
    values: await readOne(reader, at('values.yaml'), `${path}/values.yaml`, parseValues, {}),
    aliases,
    approvals: await readApprovals(reader, at('approvals'), aliases),
  }
}

type Parser<T> = Parameters<typeof readParsed<T>>[3]

/** `absent` is what a missing file says; null where the file must be there. */
async function readOne<T>(
  reader: ObjectReader,
  entry: TreeEntry | undefined,
  path: string,
  parse: Parser<T>,
  absent: T | null,
): Promise<Parsed<T>> {
  if (entry !== undefined) return readParsed(reader, entry, path, parse)
  if (absent !== null) return { value: absent }
  return { findings: [finding(path, 'FILE_INVALID', 'the file is missing', 'Restore the file.')] }
}

const keysOnly = <T>(parsed: Parsed<{ keys: T }>): Parsed<T> =>
  isReadable(parsed) ? { value: parsed.value.keys } : parsed

async function readAliases(
  reader: ObjectReader,
  path: string,
  entry: TreeEntry | undefined,
): Promise<WantedTenant['aliases']> {
  if (entry === undefined) return {}
  const folder =
    entry.mode === DIRECTORY
      ? await orFindings(path, () => readTree(reader, entry.oid))
      : { findings: [notAFolder(path)] }
  const aliases: Partial<Record<AliasName, Parsed<Alias>>> = {}
  for (const alias of ALIASES) {
    if (!isReadable(folder)) {
      aliases[alias] = folder
      continue
    }
    const file = folder.value.find(({ name }) => name === `${alias}.yaml`)
    const parse: Parser<Alias> = (bytes, at) => parseAlias(bytes, at, alias)
    if (file !== undefined) aliases[alias] = await readParsed(reader, file, `${path}/${alias}.yaml`, parse)
  }
  return aliases
}

/** Approvals of what the alias files ask for now, and of changes of the tenant itself; older ones are not read. */
async function readApprovals(
  reader: ObjectReader,
  entry: TreeEntry | undefined,
  aliases: WantedTenant['aliases'],
): Promise<ReadonlyMap<string, readonly SignatureFile[]>> {
  const approvals = new Map<string, readonly SignatureFile[]>()
  if (entry?.mode !== DIRECTORY) return approvals
  const folders = await orFindings('approvals', () => readTree(reader, entry.oid))
  if (!isReadable(folders)) return approvals
  for (const subject of [...ALIASES, 'tenant'] as const) {
    const folder = folders.value.find(({ name, mode }) => name === subject && mode === DIRECTORY)
    if (folder === undefined) continue
    const entries = await orFindings(subject, () => readTree(reader, folder.oid))
    if (!isReadable(entries)) continue
    const asked = subject === 'tenant' ? undefined : aliases[subject]
    const digest = asked !== undefined && isReadable(asked) ? (asked.value.digest ?? null) : null
    const isWanted = (key: string) => subject === 'tenant' || digest === null || digest12(digest) === key
    for (const [key, files] of await readSignatures(reader, entries.value, isWanted))
      approvals.set(`${subject}/${key}`, files)
  }
  return approvals
}

const notAFolder = (path: string) =>
  finding(path, 'PATH_INVALID', 'expected a folder, found a file or a link', 'Make it a folder of plain files.')
