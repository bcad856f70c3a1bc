/** `tenants/<tenant>/tenant.yaml` */
export type Tenant = {
  status: 'active' | 'suspended'
  labels: Record<string, string>
  /** Requests a minute, per action; the lowest of this and the bundle's rate_limit policy wins. */
  limits: { execute_per_minute?: number; [action: string]: number | undefined }
  quota: { per_day?: number; per_month?: number }
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
