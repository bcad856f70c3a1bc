import { LEDGER } from '../limits.ts'
import { parseOrThrow } from '../parse-file.ts'

/** `root.json`: what a Runtime is pinned to. */
export type Root = {
  registry: string
  /** OpenSSH public keys, `ssh-ed25519 AAAA…`. */
  keys: string[]
  /** How many of `keys` must sign a keyset. */
  threshold: number
  /** Oid of the commit at seq 0. */
  genesis: string
}

/** `trust/keysets/<version>.json` on `live`; beside it `<version>.json.sig`, armoured SSHSIGs (namespace `contractor-root`) one after another. */
export type Keyset = {
  registry: string
  version: number
  epoch: number
  /** OpenSSH public keys that may sign commits of `live` and tags. */
  controller_keys: string[]
  heartbeat_key: string
  /** Last seq for which keys of the keyset before are still accepted. */
  trusted_until_seq: number | null
}

/** `heartbeat.json` on the parentless branch `heartbeat`, in a commit signed by the heartbeat key. */
export type Heartbeat = { registry: string; seq: number; head: string; expires_at: string }

/**
 * `trust/epochs/<epoch>.json` on `live`, signed by the root as a keyset is: the ledger goes on from `fork_head`, whatever
 * was written after it. The keyset that comes with it is in force for the very commit that brings both.
 */
export type Epoch = { registry: string; epoch: number; fork_seq: number; fork_head: string }

const TRUST_FILE = {
  format: 'json',
  limits: LEDGER,
  gate: 'ledger',
  code: 'LEDGER_BROKEN',
  complete: <Value>(written: Value) => written,
} as const

/** `trust/keysets/<version>.json`. @throws Fault `LEDGER_BROKEN` */
export function parseKeyset(bytes: Uint8Array, path: string): Keyset {
  return parseOrThrow<Keyset, Keyset>({ ...TRUST_FILE, schema: 'ledger/keyset' }, bytes, path)
}

/** `trust/epochs/<epoch>.json`. @throws Fault `LEDGER_BROKEN` */
export function parseEpoch(bytes: Uint8Array, path: string): Epoch {
  return parseOrThrow<Epoch, Epoch>({ ...TRUST_FILE, schema: 'ledger/epoch' }, bytes, path)
}
