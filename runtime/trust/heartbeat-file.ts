import { Fault } from '../../schemas/fault.ts'
import { OID } from '../../schemas/names.ts'
import type { Heartbeat } from '../../schemas/ledger/trust.ts'
import { formatStateFile } from './state-files.ts'

/** The bytes of a heartbeat, in the tree of its commit, or of a lease. */
export function formatHeartbeat({ registry, seq, head, expires_at }: Heartbeat): Buffer {
  return formatStateFile({ registry, seq, head, expires_at })
}

/** Strict: exactly the four fields. @throws Fault `LEDGER_BROKEN`. */
export function parseHeartbeat(bytes: Uint8Array, name: string): Heartbeat {
  const value = parsedJson(bytes, name)
  const { registry, seq, head, expires_at, ...rest } = value
  const shaped =
    typeof registry === 'string' &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    typeof head === 'string' &&
    OID.test(head) &&
    typeof expires_at === 'string' &&
    !Number.isNaN(Date.parse(expires_at))
  if (!shaped || Object.keys(rest).length > 0) throw broken(name, 'it does not hold registry, seq, head and expires_at')
  return { registry, seq, head, expires_at }
}

function parsedJson(bytes: Uint8Array, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    throw new Fault('LEDGER_BROKEN', `${name} is not JSON`, { cause: error })
  }
  throw broken(name, 'it is not an object')
}

const broken = (name: string, why: string) => new Fault('LEDGER_BROKEN', `${name}: ${why}`)
