import { Fault } from '../../schemas/fault.ts'
import type { Entry } from '../../schemas/ledger/entry.ts'
import type { LedgerRegistry, SealRecord, TenantState } from '../../schemas/ledger/state.ts'
import type { Epoch, Keyset } from '../../schemas/ledger/trust.ts'
import type { Revocation, Roles } from '../../schemas/registry/governance.ts'
import { safeYaml } from '../../schemas/safe-yaml.ts'

function json(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch (error) {
    throw new Fault('LEDGER_BROKEN', `${path} on live is not JSON`, { cause: error })
  }
}

function yaml(bytes: Buffer, path: string): unknown {
  const { document, problems } = safeYaml(bytes)
  if (document === null) throw new Fault('LEDGER_BROKEN', `${path} on live: ${problems[0].message}`)
  return document.value
}

export const parseEntry = (bytes: Buffer, path: string) => json(bytes, path) as Entry
export const parseLedgerRegistry = (bytes: Buffer, path: string) => json(bytes, path) as LedgerRegistry
export const parseTenantState = (bytes: Buffer, path: string) => json(bytes, path) as TenantState
export const parseSealRecord = (bytes: Buffer, path: string) => json(bytes, path) as SealRecord
export const parseKeyset = (bytes: Buffer, path: string) => json(bytes, path) as Keyset
export const parseEpoch = (bytes: Buffer, path: string) => json(bytes, path) as Epoch
export const parseRoles = (bytes: Buffer, path: string) => yaml(bytes, path) as Roles
export const parseRevoked = (bytes: Buffer, path: string) => (yaml(bytes, path) as { revoked: Revocation[] }).revoked
