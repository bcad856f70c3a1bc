import { Fault } from '../../schemas/fault.ts'
import type { Entry } from '../../schemas/ledger/entry.ts'
import type { LedgerRegistry, SealRecord, TenantState } from '../../schemas/ledger/state.ts'
import type { Epoch, Keyset } from '../../schemas/ledger/trust.ts'
import type { ParsedFile } from '../../schemas/parse-file.ts'
import { parseRevoked as readRevoked, parseRoles as readRoles } from '../../schemas/registry/governance.ts'

function json(bytes: Buffer, path: string): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw new Fault('LEDGER_BROKEN', `${path} on live is not JSON`, { cause: error })
  }
  throw new Fault('LEDGER_BROKEN', `${path} on live is not an object`)
}

function required<Value>({ value, findings }: ParsedFile<Value>, path: string): Value {
  if (value !== null) return value
  const [first] = findings
  const why = first === undefined ? 'malformed' : `line ${first.line}: ${first.message}`
  throw new Fault('LEDGER_BROKEN', `${path} on live: ${why}`, { findings })
}

export const parseEntry = (bytes: Buffer, path: string) => json(bytes, path) as Entry
export const parseLedgerRegistry = (bytes: Buffer, path: string) => json(bytes, path) as LedgerRegistry
export const parseTenantState = (bytes: Buffer, path: string) => json(bytes, path) as TenantState
export const parseSealRecord = (bytes: Buffer, path: string) => json(bytes, path) as SealRecord
export const parseKeyset = (bytes: Buffer, path: string) => json(bytes, path) as Keyset
export const parseEpoch = (bytes: Buffer, path: string) => json(bytes, path) as Epoch
export const parseRoles = (bytes: Buffer, path: string) => required(readRoles(bytes, path), path)
export const parseRevoked = (bytes: Buffer, path: string) => required(readRevoked(bytes, path), path).revoked
