import type { Finding } from '../../schemas/finding.ts'
import { HAND_WRITTEN } from '../../schemas/limits.ts'
import { ALIASES, NAME, type AliasName } from '../../schemas/names.ts'
import { nearest } from '../../schemas/nearest.ts'
import { findingsOf, type ParsedFile } from '../../schemas/parse-file.ts'
import { parseAlias, type Alias } from '../../schemas/registry/alias.ts'
import {
  parseKeys,
  parseTenantFile,
  parseValues,
  type ApiKey,
  type Tenant,
  type Values,
} from '../../schemas/registry/tenant.ts'
import { safeText } from '../../schemas/safe-text.ts'

/** `alias` is `tenant` where a change of the tenant itself is approved; `digest12` are the digits in the file's name. */
export type ApprovalFile = { alias: AliasName | 'tenant'; digest12: string; principal: string; signature: string }

/** What `tenants/<name>/` says. Null is what cannot be read, as its finding says; what is absent is empty. */
export type ParsedTenant = {
  tenant: Tenant | null
  keys: ApiKey[] | null
  values: Values | null
  aliases: Partial<Record<AliasName, Alias>>
  approvals: ApprovalFile[]
  /** Paths, inside the folder, of files that are there and cannot be used: malformed is not absent. */
  malformed: ReadonlySet<string>
  findings: Finding[]
}

const APPROVAL = /^approvals\/([a-z]+)\/([0-9a-z-]{12,64})\.([a-z0-9][a-z0-9-]{0,62})\.sig$/
const KNOWN = ['tenant.yaml', 'keys.yaml', 'values.yaml', ...ALIASES.map((alias) => `aliases/${alias}.yaml`)]
const SIGNATURE_LIMITS = { ...HAND_WRITTEN, bytes: 16 * 1024, lines: 200 }

/** Reads the files of one tenant, by their paths inside `tenants/<name>/`, without regard to any other tenant. */
export function parseTenant(name: string, files: ReadonlyMap<string, Buffer>): ParsedTenant {
  const prefix = `tenants/${name}/`
  const findings: Finding[] = []
  const malformed = new Set<string>()
  const report = (path: string, message: string, hint: string) => {
    const place = { path: `${prefix}${path}`, line: 1, column: 1 }
    findings.push({ gate: 'registry', code: 'FILE_INVALID', severity: 'error', ...place, message, hint })
  }
  function read<T>(path: string, parse: (bytes: Buffer, path: string) => ParsedFile<T>): T | null | undefined {
    const bytes = files.get(path)
    if (bytes === undefined) return undefined
    const parsed = parse(bytes, `${prefix}${path}`)
    findings.push(...parsed.findings)
    if (parsed.value === null) malformed.add(path)
    return parsed.value
  }

  if (!NAME.test(name))
    report('', `${JSON.stringify(name)} is no name of a tenant`, 'Use lower-case letters, digits and hyphens.')
  const tenant = read('tenant.yaml', parseTenantFile)
  if (tenant === undefined) report('tenant.yaml', 'the file is missing', 'Add it, with "status: active".')
  const keys = read('keys.yaml', parseKeys)
  const values = read('values.yaml', parseValues)
  const aliases: Partial<Record<AliasName, Alias>> = {}
  for (const alias of ALIASES) {
    const value = read(`aliases/${alias}.yaml`, (bytes, path) => parseAlias(bytes, path, alias))
    if (value !== undefined && value !== null) aliases[alias] = value
  }
  const approvals: ApprovalFile[] = []
  for (const [path, bytes] of files) {
    if (KNOWN.includes(path)) continue
    if (!path.startsWith('approvals/')) {
      checkStray(path, report)
      continue
    }
    const approval = parseApproval(path, bytes, prefix)
    if (approval.value !== null) approvals.push(approval.value)
    else malformed.add(path)
    findings.push(...approval.findings)
  }
  return {
    tenant: tenant ?? null,
    keys: keys === undefined ? [] : (keys?.keys ?? null),
    values: values === undefined ? {} : values,
    aliases,
    approvals,
    malformed,
    findings,
  }
}

/** Other files in a tenant's folder are the team's own, unless they look like one of ours by a slip. */
function checkStray(path: string, report: (path: string, message: string, hint: string) => void): void {
  const meant = path.startsWith('aliases/') || /\.ya?ml$/.test(path) ? nearest(path, KNOWN) : null
  if (meant !== null) report(path, 'nothing reads this file', `Did you mean ${meant}?`)
  else if (path.startsWith('aliases/'))
    report(path, 'there is no such alias', `Aliases are ${ALIASES.join(', ')} (.yaml).`)
}

function parseApproval(
  path: string,
  bytes: Buffer,
  prefix: string,
): { value: ApprovalFile | null; findings: Finding[] } {
  const fail = (message: string, hint: string) => {
    const place = { path: `${prefix}${path}`, line: 1, column: 1 }
    const finding: Finding = { gate: 'registry', code: 'APPROVAL_INVALID', severity: 'error', ...place, message, hint }
    return { value: null, findings: [finding] }
  }
  const [, alias = '', digest12 = '', principal = ''] = APPROVAL.exec(path) ?? []
  if (!isApproved(alias)) {
    const form = 'approvals/<alias>/<first 12 digits of the digest>.<principal>.sig'
    return fail('the name is not that of an approval', `Name it ${form}, as \`contractor approve\` does.`)
  }
  const { text, problem } = safeText(bytes, SIGNATURE_LIMITS, 'APPROVAL_INVALID', 'no tabs')
  if (text === null) {
    return {
      value: null,
      findings: findingsOf({ document: null, problems: [problem] }, 'registry', `${prefix}${path}`),
    }
  }
  if (!/^-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]+-----END SSH SIGNATURE-----\n?$/.test(text)) {
    return fail('expected an armoured SSH signature', 'Sign again with `contractor approve`.')
  }
  return { value: { alias, digest12, principal, signature: text }, findings: [] }
}

const isApproved = (text: string): text is ApprovalFile['alias'] => [...ALIASES, 'tenant'].includes(text)
