import { createHash } from 'node:crypto'
import type { LedgerRegistry, SealRecord, TenantState } from '../../schemas/ledger/state.ts'

/** The one file of `live` that is not state: the decision of the commit. */
export const ENTRY_PATH = 'entry.json'
export const REGISTRY_PATH = 'registry.json'

export const sha256Hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
export const sha256Digest = (bytes: Uint8Array | string): string => `sha256:${sha256Hex(bytes)}`

/** `tenants/<xx>/<tenant>.json`; xx spreads many tenants over 256 small trees. */
export const tenantPath = (tenant: string): string => `tenants/${sha256Hex(tenant).slice(0, 2)}/${tenant}.json`
export const sealPath = (bundle: string, version: string): string => `bundles/${bundle}/${version}.json`
/** Where the lines stand that an approval of many tenants covers; `sum` is their SHA-256 in hex. */
export const setPath = (sum: string): string => `approvals/${sum}.txt`
export const keysetPath = (version: number): string => `trust/keysets/${version}.json`
export const epochPath = (epoch: number): string => `trust/epochs/${epoch}.json`
/** Where the root's signatures of a keyset or an epoch stand. */
export const signaturesPath = (path: string): string => `${path}.sig`

/** JSON of two spaces and a final line feed, keys in the order given: what `git diff` shows well. */
export function formatStateFile(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

/** What an entry changes; null removes. Paths of `governance` begin with `governance/`, its text is kept as written. */
export type StateChanges = {
  registry?: LedgerRegistry
  governance?: ReadonlyMap<string, string | null>
  /** By name. */
  tenants?: ReadonlyMap<string, TenantState | null>
  /** By `<name>/<version>`. */
  seals?: ReadonlyMap<string, SealRecord>
  /** Texts of approval sets by their sums; null removes. */
  sets?: ReadonlyMap<string, string | null>
}

/** The state files that a change writes, by path: exactly the bytes that `readState` reads back; null removes. */
export function formatStateChanges({
  registry,
  governance,
  tenants,
  seals,
  sets,
}: StateChanges): Map<string, Buffer | null> {
  const files = new Map<string, Buffer | null>()
  if (registry !== undefined) files.set(REGISTRY_PATH, formatStateFile(registry))
  for (const [path, text] of governance ?? []) files.set(path, text === null ? null : Buffer.from(text))
  for (const seal of (seals ?? new Map<string, SealRecord>()).values())
    files.set(sealPath(seal.bundle, seal.version), formatStateFile(seal))
  for (const [sum, text] of sets ?? []) files.set(setPath(sum), text === null ? null : Buffer.from(text))
  for (const [name, tenant] of tenants ?? [])
    files.set(tenantPath(name), tenant === null ? null : formatStateFile(tenant))
  return files
}

/** SHA-256 of every state file after a change; `files` and the answer map paths to hex digests. */
export function changedFiles(
  files: ReadonlyMap<string, string>,
  changes: ReadonlyMap<string, Uint8Array | null>,
): Map<string, string> {
  const next = new Map(files)
  for (const [path, bytes] of changes) {
    if (bytes === null) next.delete(path)
    else next.set(path, sha256Hex(bytes))
  }
  const known = sheets.get(files)
  if (known !== undefined && [...changes].every(([path, bytes]) => bytes !== null && files.has(path)))
    sheets.set(next, patched(known, next, changes.keys()))
  return next
}

/**
 * `sha256:` over one line per state file, `<sha256 hex>  <path>\n`, sorted by path bytes: the format of a bundle's
 * digest, so that `sha256sum` checks it in a clone.
 */
export function stateRoot(files: ReadonlyMap<string, string>): string {
  const sheet = sheets.get(files) ?? newSheet(files)
  sheets.set(files, sheet)
  return sha256Digest(sheet.bytes)
}

/**
 * The lines of a state root. A digest always has 64 digits: where no file comes or goes, the lines of the next state are
 * these with some digits overwritten, which keeps ledgers of many tenants fast.
 */
type Sheet = { bytes: Buffer; offsets: ReadonlyMap<string, number> }
const sheets = new WeakMap<ReadonlyMap<string, string>, Sheet>()

function newSheet(files: ReadonlyMap<string, string>): Sheet {
  const lines = [...files].map(([path, digest]) => ({ path, bytes: Buffer.from(`${digest}  ${path}\n`) }))
  lines.sort((a, b) => a.bytes.compare(b.bytes, DIGITS, undefined, DIGITS))
  const offsets = new Map<string, number>()
  let offset = 0
  for (const { path, bytes } of lines) {
    offsets.set(path, offset)
    offset += bytes.length
  }
  return { bytes: Buffer.concat(lines.map(({ bytes }) => bytes)), offsets }
}

const DIGITS = 64

function patched({ bytes, offsets }: Sheet, files: ReadonlyMap<string, string>, paths: Iterable<string>): Sheet {
  const next = Buffer.from(bytes)
  for (const path of paths) next.write(files.get(path) ?? '', offsets.get(path) ?? 0, 'latin1')
  return { bytes: next, offsets }
}
