import { Fault } from '../../schemas/fault.ts'
import { LEDGER } from '../../schemas/limits.ts'
import {
  parseLedgerRegistry,
  parseSealRecord,
  parseTenantState,
  type LedgerRegistry,
  type SealRecord,
  type TenantState,
} from '../../schemas/ledger/state.ts'
import { parseKeyset, type Keyset } from '../../schemas/ledger/trust.ts'
import type { ParsedFile } from '../../schemas/parse-file.ts'
import { parseRevoked, parseRoles, type Revocation, type Roles } from '../../schemas/registry/governance.ts'
import { parseCommit } from '../git/commit-object.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { FILE } from '../git/tree.ts'
import { diffTrees, type TreeChange } from '../git/tree-diff.ts'
import { parseAllowedSigners, type AllowedSigner } from './allowed-signers.ts'
import { parseApprovalSet, type ApprovalSet } from './approval-set.ts'
import { changedFiles, ENTRY_PATH, keysetPath, REGISTRY_PATH, sealPath, setPath, tenantPath } from './state-files.ts'

/** What one commit of `live` says is in force. Never changed: each commit makes a new one that shares what stayed. */
export type LedgerState = {
  registry: LedgerRegistry
  /** Text by path (`governance/roles.yaml`), as `main` had it when it was accepted. */
  governance: ReadonlyMap<string, string>
  signers: AllowedSigner[]
  roles: Roles
  revoked: Revocation[]
  /** Oldest first; the last one is in force. Whether the root signed them is for `verifyLedger` to say. */
  keysets: Keyset[]
  /** Text by path of everything under `trust/`. */
  trust: ReadonlyMap<string, string>
  tenants: ReadonlyMap<string, TenantState>
  /** By `<name>/<version>`. */
  seals: ReadonlyMap<string, SealRecord>
  /** What approvals of many tenants cover, by their sums. One that no alias names any more may go. */
  sets: ReadonlyMap<string, ApprovalSet>
  /** SHA-256 in hex of every state file, by path. */
  files: ReadonlyMap<string, string>
}

/** Bytes of the files that differ, by path; null where a file is gone. */
export type FileChanges = ReadonlyMap<string, Buffer | null>

const BLOBS_AT_ONCE = 16

/**
 * The state at a commit of `live`. With what is known of an earlier commit only the files that differ are read. Reads
 * what is there: that it was signed and follows the rules is for `verifyLedger`.
 * @throws Fault `LEDGER_BROKEN` for a file that is not what its path says; faults of `runtime/git`.
 */
export async function readState(
  reader: ObjectReader,
  commitOid: string,
  before: { state: LedgerState; tree: string } | null = null,
): Promise<LedgerState> {
  const { tree } = parseCommit(await reader.read(commitOid, 'commit'))
  const { changes } = await readChanges(reader, before?.tree ?? null, tree)
  return applyChanges(before?.state ?? null, changes, changedFiles(before?.state.files ?? new Map(), changes))
}

/**
 * State files in which two trees of `live` differ (`from: null` gives all of them), and entry.json where it differs.
 * @throws Fault `LEDGER_BROKEN` for anything but plain files.
 */
export async function readChanges(
  reader: ObjectReader,
  from: string | null,
  to: string,
): Promise<{ changes: FileChanges; entry: Buffer | null }> {
  const differences = await diffTrees(reader, from, to)
  const changes = new Map<string, Buffer | null>()
  for (let at = 0; at < differences.length; at += BLOBS_AT_ONCE) {
    const batch = differences.slice(at, at + BLOBS_AT_ONCE)
    const blobs = await Promise.all(batch.map((change) => readChange(reader, change)))
    for (const [index, { path }] of batch.entries()) changes.set(path, blobs[index] ?? null)
  }
  const entry = changes.get(ENTRY_PATH) ?? null
  changes.delete(ENTRY_PATH)
  return { changes, entry }
}

async function readChange(reader: ObjectReader, { path, after, mode }: TreeChange): Promise<Buffer | null> {
  if (after === null) return null
  if (mode !== FILE) throw broken(path, `has mode ${mode}, expected a plain file (${FILE})`)
  return reader.read(after, 'blob', LEDGER.bytes)
}

/**
 * The state after changed files; `files` are the sums of all files after the change, which the caller has checked.
 * @throws Fault `LEDGER_BROKEN` for a file that is not what its path says.
 */
export function applyChanges(
  before: LedgerState | null,
  changes: FileChanges,
  files: ReadonlyMap<string, string>,
): LedgerState {
  const tenants = changedValues(before?.tenants, changes, 'tenants/', tenantOf)
  const seals = changedValues(before?.seals, changes, 'bundles/', sealOf)
  const sets = changedValues(before?.sets, changes, 'approvals/', setOf)
  const trust = changedValues(before?.trust, changes, 'trust/', textOf)
  const governance = changedValues(before?.governance, changes, 'governance/', textOf)
  const registryFile = changes.get(REGISTRY_PATH)
  const registry = registryFile ? parseLedgerRegistry(registryFile, REGISTRY_PATH) : before?.registry
  if (registry === undefined || registryFile === null) throw broken(REGISTRY_PATH, 'is not there')
  const authority =
    before !== null && governance === before.governance
      ? { signers: before.signers, roles: before.roles, revoked: before.revoked }
      : readAuthority(governance)
  const keysets = before !== null && trust === before.trust ? before.keysets : readKeysets(trust)
  return { registry, governance, ...authority, keysets, trust, tenants, seals, sets, files }
}

function readAuthority(governance: ReadonlyMap<string, string>): Pick<LedgerState, 'signers' | 'roles' | 'revoked'> {
  const path = 'governance/allowed_signers'
  const { signers, findings } = parseAllowedSigners(governance.get(path) ?? '', path)
  const [finding] = findings
  if (finding !== undefined) throw broken(path, `line ${finding.line}: ${finding.message}`)
  const roles = readGovernance(governance, 'governance/roles.yaml', parseRoles)
  const revoked = readGovernance(governance, 'governance/revoked.yaml', parseRevoked)
  return { signers, roles: roles ?? { principals: [], roles: [] }, revoked: revoked?.revoked ?? [] }
}

function readGovernance<Value>(
  governance: ReadonlyMap<string, string>,
  path: string,
  parse: (bytes: Buffer, path: string) => ParsedFile<Value>,
): Value | null {
  const text = governance.get(path)
  if (text === undefined) return null
  const { value, findings } = parse(Buffer.from(text), path)
  if (value === null) throw broken(path, findings.map(({ line, message }) => `line ${line}: ${message}`).join('; '))
  return value
}

function readKeysets(trust: ReadonlyMap<string, string>): Keyset[] {
  const keysets: Keyset[] = []
  for (const [path, text] of trust) {
    if (!/^trust\/keysets\/[^/]+\.json$/.test(path)) continue
    const keyset = parseKeyset(Buffer.from(text), path)
    if (path !== keysetPath(keyset.version)) throw broken(path, `holds keyset ${keyset.version}`)
    keysets.push(keyset)
  }
  return keysets.sort((a, b) => a.version - b.version)
}

type Named<T> = { key: string; value: T }

/** The very same map when no file below `prefix` changed. */
function changedValues<T>(
  before: ReadonlyMap<string, T> | undefined,
  changes: FileChanges,
  prefix: string,
  parse: (bytes: Buffer, path: string) => Named<T>,
): ReadonlyMap<string, T> {
  const touched = [...changes].filter(([path]) => path.startsWith(prefix))
  if (before !== undefined && touched.length === 0) return before
  const values = new Map(before)
  for (const [path, bytes] of touched) {
    if (bytes === null) values.delete(keyOf(path))
    else {
      const { key, value } = parse(bytes, path)
      values.set(key, value)
    }
  }
  return values
}

/** What a map of the state calls the file at a path. */
function keyOf(path: string): string {
  if (path.startsWith('tenants/')) return path.slice('tenants/xx/'.length, -'.json'.length)
  if (path.startsWith('approvals/')) return path.slice('approvals/'.length, -'.txt'.length)
  if (path.startsWith('bundles/')) return path.slice('bundles/'.length, -'.json'.length)
  return path
}

function tenantOf(bytes: Buffer, path: string): Named<TenantState> {
  const value = parseTenantState(bytes, path)
  if (path !== tenantPath(value.tenant)) throw broken(path, `holds the tenant ${JSON.stringify(value.tenant)}`)
  return { key: value.tenant, value }
}

function sealOf(bytes: Buffer, path: string): Named<SealRecord> {
  const value = parseSealRecord(bytes, path)
  if (path !== sealPath(value.bundle, value.version)) throw broken(path, `holds ${value.bundle} ${value.version}`)
  return { key: `${value.bundle}/${value.version}`, value }
}

function setOf(bytes: Buffer, path: string): Named<ApprovalSet> {
  const value = parseApprovalSet(bytes.toString('latin1'))
  if (value === null || path !== setPath(value.sum)) throw broken(path, 'is no set of that sum')
  return { key: value.sum, value }
}

const textOf = (bytes: Buffer, path: string): Named<string> => ({ key: path, value: bytes.toString() })

const broken = (path: string, why: string) => new Fault('LEDGER_BROKEN', `${path} on live ${why}`)
