import { sourceDigest } from '../../runtime/bundle/digest.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { readTree } from '../../runtime/git/tree-files.ts'
import { DIRECTORY, type TreeEntry } from '../../runtime/git/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import { isTenantName, NAME } from '../../schemas/names.ts'
import { finding, orFindings } from './read-file.ts'
import { readGovernance } from './read-governance.ts'
import { openSetReader, withSets } from './read-sets.ts'
import { readTenant } from './read-tenant.ts'
import { isReadable, type UnreadableTenant, type Wanted, type WantedGovernance, type WantedTenant } from './wanted.ts'

export const MAIN_REF = 'refs/heads/main'

export type SourceFolder =
  { kind: 'unreadable'; findings: readonly Finding[] } | { kind: 'source'; tree: string; sourceDigest: string }

/** What a commit of `main` holds, before anything is judged. */
export type MainContent = Omit<Wanted, 'bundles'> & { bundles: ReadonlyMap<string, SourceFolder> }

/** Reads commits of `main`; what has not changed since the last one read is not read again. */
export type MainReader = { read(commit: string): Promise<MainContent> }

export function openMainReader(objects: ObjectReader): MainReader {
  const governance = remembering<WantedGovernance>()
  const tenants = remembering<WantedTenant | UnreadableTenant>()
  const bundles = remembering<SourceFolder>()
  const reader = noticingDamage(objects)
  const sets = openSetReader(reader)
  let last: { commit: string; content: MainContent } | null = null

  async function readContent(commit: string): Promise<MainContent> {
    const { tree } = await readCommit(reader, commit)
    const top = await readTree(reader, tree)
    const unreadable: MainContent['unreadable'][number][] = []
    const folder = async (name: string): Promise<Folder[] | null> => {
      const listed = await listFolder(
        reader,
        top.find((entry) => entry.name === name),
        name,
      )
      if (isReadable(listed)) return listed.value
      unreadable.push({ subject: name, findings: listed.findings })
      return null
    }
    const named = async (name: string, isName: (text: string) => boolean): Promise<Folder[] | null> => {
      const all = await folder(name)
      const isNamed = (each: Folder) => isName(each.name)
      for (const each of all ?? []) if (!isNamed(each)) unreadable.push(badName(`${name}/${each.name}`))
      return all?.filter(isNamed) ?? null
    }
    const tenantFolders = await named('tenants', isTenantName)
    const bundleFolders = (await named('bundles', (text) => NAME.test(text))) ?? []
    const governed = ['registry.yaml', 'governance'].map((name) => top.find((entry) => entry.name === name)?.oid ?? '')
    const forget = reader.takeDamage()
    for (const cache of [governance, tenants, bundles]) cache.begin(forget)
    const governing = await orFindings('governance', () =>
      governance.get(governed.join(), () => readGovernance(reader, tree)),
    )
    if (!isReadable(governing)) unreadable.push({ subject: 'governance', findings: governing.findings })
    const readTenants = (folders: readonly Folder[]) =>
      readAll(folders, ({ name, entry }) =>
        tenants.get(`${name} ${entry.mode} ${entry.oid}`, () => readTenant(reader, name, entry)),
      )
    const read = tenantFolders === null ? null : await readTenants(tenantFolders)
    const { approvals, malformed } = await sets.read(top.find((entry) => entry.name === 'approvals'))
    unreadable.push(...malformed)
    return {
      governance: isReadable(governing) ? governing.value : null,
      tenants: read === null ? null : withSets(read, approvals),
      bundles: await readAll(bundleFolders, ({ name, entry }) =>
        bundles.get(`${name} ${entry.mode} ${entry.oid}`, () => readSource(reader, name, entry)),
      ),
      unreadable,
    }
  }

  return {
    async read(commit) {
      if (last?.commit === commit) return last.content
      const content = await readContent(commit)
      last = reader.isDamaged() ? null : { commit, content }
      return content
    },
  }
}

type Folder = { name: string; entry: TreeEntry }

/** Entries of `tenants/` or `bundles/`. Plain files beside them, such as a README, are the team's own. */
async function listFolder(
  reader: ObjectReader,
  entry: TreeEntry | undefined,
  path: string,
): Promise<{ value: Folder[] } | { findings: readonly Finding[] }> {
  if (entry === undefined) return { value: [] }
  if (entry.mode !== DIRECTORY)
    return {
      findings: [finding(path, 'PATH_INVALID', 'expected a folder, found a file or a link', 'Restore the folder.')],
    }
  const entries = await orFindings(path, () => readTree(reader, entry.oid))
  if (!isReadable(entries)) return entries
  const folders = entries.value.filter(({ name, mode }) => NAME.test(name) || mode === DIRECTORY)
  return { value: folders.map((each) => ({ name: each.name, entry: each })) }
}

async function readSource(reader: ObjectReader, name: string, entry: TreeEntry): Promise<SourceFolder> {
  const path = `bundles/${name}`
  if (entry.mode !== DIRECTORY) {
    const message = 'expected a folder, found a file or a link'
    return {
      kind: 'unreadable',
      findings: [finding(path, 'PATH_INVALID', message, 'Make it a folder of plain files.')],
    }
  }
  const read = await orFindings(path, () => readBundleFiles(reader, entry.oid, `${path}/`))
  if (!isReadable(read)) return { kind: 'unreadable', findings: read.findings }
  const { files, findings } = read.value
  if (findings.some(({ severity }) => severity === 'error')) return { kind: 'unreadable', findings }
  return { kind: 'source', tree: entry.oid, sourceDigest: sourceDigest(files) }
}

function badName(path: string): MainContent['unreadable'][number] {
  const message = `expected a name such as acme-shop (${NAME.source}), and no tenant named bundles, governance, main or tenants`
  return { subject: path, findings: [finding(path, 'PATH_INVALID', message, 'Rename the folder.')] }
}

const AT_ONCE = 16

async function readAll<T>(folders: readonly Folder[], read: (folder: Folder) => Promise<T>): Promise<Map<string, T>> {
  const found = new Map<string, T>()
  for (let at = 0; at < folders.length; at += AT_ONCE) {
    const batch = folders.slice(at, at + AT_ONCE)
    const values = await Promise.all(batch.map(read))
    for (const [index, { name }] of batch.entries()) found.set(name, values[index] as T)
  }
  return found
}

/** Keeps what was asked for since `begin`, and what was asked for in the time before that. */
function remembering<T>() {
  let before = new Map<string, T>()
  let now = new Map<string, T>()
  return {
    begin(forget: 'forget' | 'keep'): void {
      before = forget === 'keep' ? now : new Map<string, T>()
      now = new Map()
    },
    async get(key: string, read: () => Promise<T>): Promise<T> {
      const value = before.get(key) ?? (await read())
      now.set(key, value)
      return value
    },
  }
}

type DamageNoticing = ObjectReader & { isDamaged(): boolean; takeDamage(): 'forget' | 'keep' }

/** A reader that notices objects which are missing or damaged: what was read of them is read again, in case they were restored. */
function noticingDamage(objects: ObjectReader): DamageNoticing {
  let damage: 'forget' | 'keep' = 'keep'
  return {
    async read(oid, type, maxBytes) {
      try {
        return await objects.read(oid, type, maxBytes)
      } catch (error) {
        if (error instanceof Fault && (error.reason === 'OBJECT_MISSING' || error.reason === 'OBJECT_CORRUPT'))
          damage = 'forget'
        throw error
      }
    },
    isDamaged: () => damage === 'forget',
    takeDamage() {
      const taken = damage
      damage = 'keep'
      return taken
    },
  }
}
