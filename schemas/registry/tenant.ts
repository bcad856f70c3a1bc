import { HAND_WRITTEN } from '../limits.ts'
import { parseFile, type FileKind, type ParsedFile, type Report } from '../parse-file.ts'

/** `tenants/<tenant>/tenant.yaml` */
export type Tenant = {
  status: 'active' | 'suspended'
  labels: Record<string, string>
  /** Requests a minute, per action; the lowest of this and the bundle's rate_limit policy wins. */
  limits: { execute_per_minute?: number; [action: string]: number | undefined }
  /** Requests of the tenant, of each key, and of each user in a UTC day and month; the lowest of this and the bundle's wins. */
  quota: {
    per_day?: number
    per_month?: number
    per_key_per_day?: number
    per_key_per_month?: number
    per_user_per_day?: number
    per_user_per_month?: number
  }
  /** Which alias runs beside current, for how many of 100 answers. */
  shadow?: { alias: 'candidate'; percent: number }
  /** ISO 8601 duration; PT1H by default. */
  max_staleness: string
}

export const KEY_SCOPES = [
  'execute',
  'execute:candidate',
  'explain',
  'preferences',
  'status',
  'registry:read',
  'gates:run',
  'audit:read',
  'checkpoints:write',
  'operations:read',
  'operations:write',
] as const
export type KeyScope = (typeof KEY_SCOPES)[number]

/** One API key. The key itself is `ctr_<tenant>_<id>_<64 hex digits>` and is stored nowhere; `sha256` is of all of it, in hex. */
export type ApiKey = { id: string; sha256: string; scopes: KeyScope[]; expires_at?: string; revoked?: boolean }

/** `tenants/<tenant>/keys.yaml` */
export type Keys = { keys: ApiKey[] }

/** `tenants/<tenant>/values.yaml`: what the tenant fills into its bundle. */
export type Values = Record<string, unknown>

const TENANT: FileKind<Pick<Tenant, 'status'> & Partial<Tenant>, Tenant> = {
  schema: 'registry/tenant',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'registry',
  code: 'FILE_INVALID',
  complete: ({ status, labels = {}, limits = {}, quota = {}, shadow, max_staleness = 'PT1H' }) => {
    return { status, labels, limits, quota, max_staleness, ...(shadow && { shadow }) }
  },
}

/** `tenants/<tenant>/tenant.yaml` */
export function parseTenantFile(bytes: Uint8Array, path: string): ParsedFile<Tenant> {
  return parseFile(TENANT, bytes, path)
}

const KEYS: FileKind<Keys> = {
  schema: 'registry/keys',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'registry',
  code: 'FILE_INVALID',
  check: checkKeys,
  complete: (written) => written,
}

/** `tenants/<tenant>/keys.yaml`: ids and hashes are unique. */
export function parseKeys(bytes: Uint8Array, path: string): ParsedFile<Keys> {
  return parseFile(KEYS, bytes, path)
}

function checkKeys({ keys }: Keys, report: Report): void {
  for (const part of ['id', 'sha256'] as const) {
    const seen = new Set<string>()
    for (const [index, key] of keys.entries()) {
      if (seen.has(key[part])) report(['keys', index, part], `the ${part} stands twice`, 'Remove one of the two keys.')
      seen.add(key[part])
    }
  }
}

const VALUES: FileKind<Values> = {
  schema: 'registry/values',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'registry',
  code: 'FILE_INVALID',
  complete: (written) => written,
}

/** `tenants/<tenant>/values.yaml`: any names and values here; the `values.schema.yaml` of a bundle says which fit it. */
export function parseValues(bytes: Uint8Array, path: string): ParsedFile<Values> {
  return parseFile(VALUES, bytes, path)
}

/** `values.schema.yaml` of a bundle: a JSON Schema of an object, every property with its type and its default. */
export type ValuesSchema = { properties: Record<string, { type: string; default: unknown }> } & Record<string, unknown>

const VALUES_SCHEMA: FileKind<ValuesSchema> = {
  schema: 'registry/values-schema',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'layout',
  code: 'LAYOUT_INVALID',
  check: checkDefaults,
  complete: (written) => written,
}

export function parseValuesSchema(bytes: Uint8Array, path: string): ParsedFile<ValuesSchema> {
  return parseFile(VALUES_SCHEMA, bytes, path)
}

function checkDefaults({ properties }: ValuesSchema, report: Report): void {
  for (const [name, { type, default: preset }] of Object.entries(properties)) {
    if (preset === undefined) {
      report(
        ['properties', name],
        `the value ${name} has no default`,
        'Add default: what serves a tenant that fills in none.',
      )
    } else if (!isOfType(preset, type)) {
      report(
        ['properties', name, 'default'],
        `the default of ${name} is not of type ${type}`,
        'Correct the default or the type.',
      )
    }
  }
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}
