import { Fault } from '../../schemas/fault.ts'
import { NAME, OID } from '../../schemas/names.ts'
import {
  parseEpoch,
  parseKeyset,
  type Epoch,
  type Heartbeat,
  type Keyset,
  type Root,
} from '../../schemas/ledger/trust.ts'
import { parsePublicKey } from './ssh-key.ts'
import { parseHeartbeat } from './heartbeat-file.ts'
import { verifySshsig } from './sshsig.ts'

const ARMOUR = /-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]+-----END SSH SIGNATURE-----\n/y
const MAX_SIGNATURES = 64

/** Reads root.json, which a Runtime is pinned to. @throws Fault `CONFIG_INVALID`. */
export function parseRoot(json: Uint8Array | string): Root {
  const root = parsedJson(json) as Partial<Record<keyof Root, unknown>> | null
  const { registry, keys, threshold, genesis } = typeof root === 'object' && root !== null ? root : {}
  if (typeof registry !== 'string' || !NAME.test(registry)) throw invalid('registry', 'a name such as acme')
  if (typeof genesis !== 'string' || !OID.test(genesis)) throw invalid('genesis', 'the id of the first commit of live')
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string'))
    throw invalid('keys', 'a list of OpenSSH public keys')
  const known = keys.map((key, at) => parsePublicKey(key, 'CONFIG_INVALID', `root.json: keys[${at}]`).text)
  if (new Set(known).size !== known.length) throw invalid('keys', 'different keys')
  if (!Number.isInteger(threshold) || Number(threshold) < 1 || Number(threshold) > known.length)
    throw invalid('threshold', `a number from 1 to ${known.length}`)
  return { registry, keys: known, threshold: Number(threshold), genesis }
}

/**
 * Verifies that enough distinct root keys signed these bytes (namespace `contractor-root`).
 * @param signatures armoured SSH signatures one after another; those of other keys do not count.
 * @throws Fault `UNTRUSTED`
 */
export function verifyRootSigned(root: Root, bytes: Uint8Array, signatures: string, what: string): void {
  const signers = new Set<string>()
  for (const signature of splitSignatures(signatures, what)) {
    try {
      const { key } = verifySshsig({ payload: bytes, signature, namespace: 'contractor-root' })
      if (root.keys.includes(key)) signers.add(key)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  }
  if (signers.size < root.threshold)
    throw new Fault(
      'UNTRUSTED',
      `${what}: expected signatures by ${root.threshold} of the ${root.keys.length} root keys, found ${signers.size}`,
    )
}

/** @throws Fault `UNTRUSTED` when the root did not sign it for this registry, `LEDGER_BROKEN` when it is malformed. */
export function verifyKeyset(root: Root, bytes: Buffer, signatures: string): Keyset {
  verifyRootSigned(root, bytes, signatures, 'keyset')
  const keyset = parseKeyset(bytes, 'keyset')
  assertRegistry(root, keyset.registry, `keyset ${keyset.version}`)
  return keyset
}

/** @throws Fault `UNTRUSTED` when the root did not sign it for this registry, `LEDGER_BROKEN` when it is malformed. */
export function verifyEpoch(root: Root, bytes: Buffer, signatures: string): Epoch {
  verifyRootSigned(root, bytes, signatures, 'epoch')
  const epoch = parseEpoch(bytes, 'epoch')
  assertRegistry(root, epoch.registry, `epoch ${epoch.epoch}`)
  return epoch
}

/**
 * A lease is a heartbeat signed by the root, for sites that hear no controller.
 * @throws Fault `UNTRUSTED` when the root did not sign it for this registry, `LEDGER_BROKEN` when it is malformed.
 */
export function verifyLease(root: Root, bytes: Buffer, signatures: string): Heartbeat {
  verifyRootSigned(root, bytes, signatures, 'lease')
  const lease = parseHeartbeat(bytes, 'lease')
  assertRegistry(root, lease.registry, 'lease')
  return lease
}

function splitSignatures(text: string, what: string): string[] {
  const found: string[] = []
  ARMOUR.lastIndex = 0
  while (ARMOUR.lastIndex < text.length) {
    const match = ARMOUR.exec(text)
    if (match === null || found.length === MAX_SIGNATURES)
      throw new Fault('UNTRUSTED', `${what}: expected armoured SSH signatures one after another`)
    found.push(match[0])
  }
  return found
}

function assertRegistry(root: Root, registry: string, what: string): void {
  if (registry !== root.registry)
    throw new Fault('UNTRUSTED', `${what} is of the registry ${JSON.stringify(registry)}, expected ${root.registry}`)
}

function parsedJson(json: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof json === 'string' ? json : Buffer.from(json).toString()) as unknown
  } catch (error) {
    throw new Fault('CONFIG_INVALID', 'root.json: expected JSON; use the file that `contractor root init` wrote', {
      cause: error,
    })
  }
}

const invalid = (field: string, expected: string) =>
  new Fault(
    'CONFIG_INVALID',
    `root.json: expected ${field} to be ${expected}; use the file that \`contractor root init\` wrote`,
  )
