import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { entryAt, readTree } from '../../runtime/git/tree-files.ts'
import { DIRECTORY, FILE, type TreeEntry } from '../../runtime/git/tree.ts'
import { parseApprovalSet, type ApprovalSet } from '../../runtime/trust/approval-set.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { AliasName } from '../../schemas/names.ts'
import { finding, orFindings } from './read-file.ts'
import { isReadable, type Parsed, type SignatureFile, type UnreadableTenant, type WantedTenant } from './wanted.ts'

/** Where approvals of many tenants stand on `main`: `<alias>/<digest12>.<principal>.sig`, and `.members` beside it. */
export const SETS_FOLDER = 'approvals/sets'

/** An approval of one digest, by its first 12 digits, for many tenants. */
export type SetApproval = SignatureFile & { alias: AliasName; key: string; set: ApprovalSet }

type Sets = {
  approvals: readonly SetApproval[]
  malformed: readonly { subject: string; findings: readonly Finding[] }[]
}

const ALIASES = ['candidate', 'current'] as const
const NAME_FORM = /^([0-9a-f]{12})\.([a-z0-9][a-z0-9-]{0,62})\.sig$/
const MAX_SIGNATURE_BYTES = 16 * 1024
const MAX_MEMBERS_BYTES = 4 * 1024 * 1024
const MAX_SETS = 64
const NONE: Sets = { approvals: [], malformed: [] }

/** Reads the sets of a commit of `main`; the same folder is read once. */
export function openSetReader(reader: ObjectReader): { read(approvals: TreeEntry | undefined): Promise<Sets> } {
  let last: { folder: string; sets: Sets } | null = null
  return {
    async read(approvals) {
      if (approvals?.mode !== DIRECTORY) return NONE
      const found = await orFindings(SETS_FOLDER, () => entryAt(reader, approvals.oid, 'sets'))
      if (!isReadable(found)) return { approvals: [], malformed: [{ subject: SETS_FOLDER, findings: found.findings }] }
      if (found.value?.mode !== DIRECTORY) return NONE
      const { oid: folder } = found.value
      const sets = last?.folder === folder ? last.sets : await readSets(reader, folder)
      last = { folder, sets }
      return sets
    },
  }
}

/** The tenants, each with the sets that name it among its approvals. */
export function withSets(
  tenants: ReadonlyMap<string, WantedTenant | UnreadableTenant>,
  sets: readonly SetApproval[],
): Map<string, WantedTenant | UnreadableTenant> {
  const extended = new Map(tenants)
  for (const name of new Set(sets.flatMap(({ set }) => [...set.lines.keys()]))) {
    const tenant = tenants.get(name)
    if (tenant !== undefined && 'approvals' in tenant) extended.set(name, withSetsOf(tenant, sets))
  }
  return extended
}

/** The very same object for the same tenant and sets: what did not change is not compared again at every look. */
const known = new WeakMap<WantedTenant, { sets: readonly SetApproval[]; tenant: WantedTenant }>()

function withSetsOf(tenant: WantedTenant, sets: readonly SetApproval[]): WantedTenant {
  const before = known.get(tenant)
  if (before?.sets === sets) return before.tenant
  const approvals = new Map(tenant.approvals)
  for (const { alias, key, ...approval } of sets)
    if (approval.set.lines.has(tenant.name))
      approvals.set(`${alias}/${key}`, [...(approvals.get(`${alias}/${key}`) ?? []), approval])
  const extended = { ...tenant, approvals }
  known.set(tenant, { sets, tenant: extended })
  return extended
}

async function readSets(reader: ObjectReader, folder: string): Promise<Sets> {
  const approvals: SetApproval[] = []
  const malformed: Sets['malformed'][number][] = []
  for (const alias of ALIASES) {
    const path = `${SETS_FOLDER}/${alias}`
    const listed = await orFindings(path, async () => {
      const found = await entryAt(reader, folder, alias)
      return found?.mode === DIRECTORY ? readTree(reader, found.oid) : []
    })
    if (!isReadable(listed)) malformed.push({ subject: path, findings: listed.findings })
    else
      for (const { name, mode, oid } of listed.value.slice(0, 2 * MAX_SETS)) {
        const [, key, principal] = NAME_FORM.exec(name) ?? []
        if (mode !== FILE || key === undefined || principal === undefined) continue
        const members = listed.value.find((each) => each.name === name.replace(/sig$/, 'members') && each.mode === FILE)
        const read = await readSet(reader, `${path}/${name}`, oid, members?.oid)
        if (!isReadable(read)) malformed.push({ subject: `${path}/${name}`, findings: read.findings })
        else approvals.push({ alias, key, principal, ...read.value })
      }
  }
  return { approvals, malformed }
}

async function readSet(
  reader: ObjectReader,
  path: string,
  signature: string,
  members: string | undefined,
): Promise<Parsed<Pick<SetApproval, 'signature' | 'set'>>> {
  const read = await orFindings(path, async () => ({
    signature: (await reader.read(signature, 'blob', MAX_SIGNATURE_BYTES)).toString('latin1'),
    text: members === undefined ? '' : (await reader.read(members, 'blob', MAX_MEMBERS_BYTES)).toString('latin1'),
  }))
  if (!isReadable(read)) return read
  const set = parseApprovalSet(read.value.text)
  if (set !== null) return { value: { signature: read.value.signature, set } }
  const message = 'expected the file .members beside it, with one line "<tenant> <from-digest> <seq>" for each, sorted'
  const hint = 'Sign again with `contractor approve --set`.'
  return { findings: [finding(path, 'APPROVAL_INVALID', message, hint)] }
}
