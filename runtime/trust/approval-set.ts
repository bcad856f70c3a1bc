import type { AliasChange } from './approvals.ts'
import { sha256Hex } from './state-files.ts'

/** One tenant of a set, as its alias stands when the set is signed. */
export type SetMember = Pick<AliasChange, 'tenant' | 'from' | 'seq'>

/** The tenants that one signature approves one digest for. */
export type ApprovalSet = {
  /** `<tenant> <from-digest|none> <seq>`, each with its line feed, sorted by bytes. */
  text: string
  /** SHA-256 of the text in hex: what is signed, and the name of the set on `live`. */
  sum: string
  /** Line by tenant, without its line feed. */
  lines: ReadonlyMap<string, string>
}

const LINE = /^([a-z0-9][a-z0-9-]{0,62}) (?:none|sha256:[0-9a-f]{64}) \d{1,15}$/

/** The set of these members, each named once. */
export function approvalSetOf(members: readonly SetMember[]): ApprovalSet {
  const text = members.map((member) => `${lineOf(member)}\n`).sort()
  const set = parseApprovalSet(text.join(''))
  if (set === null) throw new TypeError('expected at least one tenant, and each once')
  return set
}

/** Null for anything but at least one line of its form, sorted, each tenant once: a set has one text. */
export function parseApprovalSet(text: string): ApprovalSet | null {
  if (!text.endsWith('\n')) return null
  const lines = new Map<string, string>()
  let before = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const tenant = LINE.exec(line)?.[1]
    if (tenant === undefined || lines.has(tenant) || line <= before) return null
    lines.set(tenant, line)
    before = line
  }
  return { text, sum: sha256Hex(text), lines }
}

/** The line that an approver of a set signs, with its line feed (DESIGN section 3). */
export function setStatement(
  { registry, alias, digest }: Pick<AliasChange, 'registry' | 'alias' | 'digest'>,
  { sum }: Pick<ApprovalSet, 'sum'>,
): string {
  return `contractor approval-set v1 ${registry} ${alias} ${digest} ${sum}\n`
}

/** Whether the set names exactly this change of this tenant. */
export const setCovers = ({ lines }: ApprovalSet, member: SetMember): boolean =>
  lines.get(member.tenant) === lineOf(member)

const lineOf = ({ tenant, from, seq }: SetMember) => `${tenant} ${from ?? 'none'} ${seq}`
