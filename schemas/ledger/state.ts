import { LEDGER } from '../limits.ts'
import { parseOrThrow } from '../parse-file.ts'
import type { AliasName } from '../names.ts'
import type { Compatibility } from '../registry/manifest.ts'
import type { Registry } from '../registry/registry.ts'
import type { ApiKey, Tenant, Values } from '../registry/tenant.ts'

/** `registry.json` on `live`: the rules in force. */
export type LedgerRegistry = {
  epoch: number
  rules: Registry
  /** What the next change of governance must name (ADR 0018). */
  governance?: GovernanceInForce
}

export type GovernanceInForce = {
  /**
   * Over the files of `governance/` on `live`, in the format of a bundle's digest; `governance/registry.yaml` (the
   * rules in force, word for word) counts under its path on `main`, `registry.yaml`.
   */
  digest: string
  /** Seq of the last change of governance. */
  seq: number
  /** The owners' approvals of that change; none where it only revoked. */
  approvals: Approval[]
}

/** An approval that was counted; `signature` is the armoured SSHSIG, so that the Runtime can verify it again. */
export type Approval = {
  principal: string
  /** The signed statement, with its line feed. */
  statement: string
  signature: string
  /** Where the statement is one of a set: SHA-256 in hex of the lines that it covers, `approvals/<set>.txt`. */
  set?: string
}

/** One level of an alias's stack, oldest first; the last one is what the alias holds. */
export type StackLevel = {
  bundle: string
  version: string
  digest: string
  /** Seq at which it was pushed. */
  seq: number
  /** RFC 3339: when it last stopped being what the alias holds; null for the top. */
  until: string | null
}

export type AliasState = {
  bundle: string
  version: string
  bundle_id: string
  digest: string
  /** `refs/tags/bundles/<name>/<version>` */
  tag: string
  /** Oid of the seal commit. */
  seal: string
  /** Seq of the alias's last change. */
  seq: number
  /** RFC 3339: when it took this digest. */
  since: string
  /** Digest that it held before; null at first. */
  from: string | null
  approvals: Approval[]
  stack: StackLevel[]
}

/** `tenants/<xx>/<tenant>.json` on `live`. */
export type TenantState = {
  tenant: string
  status: Tenant['status']
  labels: Tenant['labels']
  limits: Tenant['limits']
  quota: Tenant['quota']
  shadow?: NonNullable<Tenant['shadow']>
  max_staleness: string
  keys: ApiKey[]
  values: Values
  /** Seq of the last change of anything but the aliases; what an approval of a change names (ADR 0018). */
  seq?: number
  aliases: Partial<Record<AliasName, AliasState>>
  /** Seq at which an alias was emptied that holds nothing since. */
  emptied?: Partial<Record<AliasName, number>>
}

/** `bundles/<name>/<version>.json` on `live`. */
export type SealRecord = {
  bundle: string
  version: string
  bundle_id: string
  digest: string
  source_digest: string
  /** Digest of the gate report. */
  report: string
  compatibility: Compatibility
  /** Oid of the seal commit. */
  seal: string
  /** Oid of the tag object. */
  tag_object: string
  /** The commit on `main` whose tree was sealed. */
  source: string
  /** Seq at which it was sealed. */
  seq?: number
  /** Principals who wrote it since the seal before; an unmapped one is its e-mail address. */
  authors: string[]
}

const LEDGER_FILE = {
  format: 'json',
  limits: LEDGER,
  gate: 'ledger',
  code: 'LEDGER_BROKEN',
  complete: <Value>(written: Value) => written,
} as const

/** `registry.json`. @throws Fault `LEDGER_BROKEN` */
export function parseLedgerRegistry(bytes: Uint8Array, path: string): LedgerRegistry {
  return parseOrThrow<LedgerRegistry, LedgerRegistry>({ ...LEDGER_FILE, schema: 'ledger/registry' }, bytes, path)
}

/** `tenants/<xx>/<tenant>.json`. @throws Fault `LEDGER_BROKEN` */
export function parseTenantState(bytes: Uint8Array, path: string): TenantState {
  return parseOrThrow<TenantState, TenantState>({ ...LEDGER_FILE, schema: 'ledger/tenant' }, bytes, path)
}

/** `bundles/<name>/<version>.json`. @throws Fault `LEDGER_BROKEN` */
export function parseSealRecord(bytes: Uint8Array, path: string): SealRecord {
  return parseOrThrow<SealRecord, SealRecord>({ ...LEDGER_FILE, schema: 'ledger/seal' }, bytes, path)
}
