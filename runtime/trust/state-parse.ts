import { Fault } from '../../schemas/fault.ts'
import type { ParsedFile } from '../../schemas/parse-file.ts'
import { parseRevoked as readRevoked, parseRoles as readRoles } from '../../schemas/registry/governance.ts'

export { parseEntry } from '../../schemas/ledger/entry.ts'
export { parseLedgerRegistry, parseSealRecord, parseTenantState } from '../../schemas/ledger/state.ts'
export { parseEpoch, parseKeyset } from '../../schemas/ledger/trust.ts'

export const parseRoles = (bytes: Buffer, path: string) => required(readRoles(bytes, path), path)
export const parseRevoked = (bytes: Buffer, path: string) => required(readRevoked(bytes, path), path).revoked

function required<Value>({ value, findings }: ParsedFile<Value>, path: string): Value {
  if (value !== null) return value
  const [first] = findings
  const why = first === undefined ? 'malformed' : `line ${first.line}: ${first.message}`
  throw new Fault('LEDGER_BROKEN', `${path} on live: ${why}`, { findings })
}
