import { valuesDigest } from '../../runtime/tenants/values-digest.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { ValuesProblem } from '../gates/values.ts'

export type ValuesSeal = Pick<SealRecord, 'bundle' | 'version' | 'digest' | 'seal'>

/** A tenant's values in a sealed bundle: what must be judged before the two may serve together. */
export type ValuesRequest = { seal: ValuesSeal; values: Values }

/** What is wrong with them; null while that is not known. */
export type ValuesVerdicts = (request: ValuesRequest) => readonly ValuesProblem[] | null

/** Names a verdict: other values or another bundle are another one. */
export const valuesKey = ({ seal, values }: ValuesRequest): string => `${seal.digest} ${valuesDigest(values)}`
