import type { LedgerState } from '../../runtime/trust/state.ts'

/** What the programs work towards. */
export const isPromoted = ({ tenants }: LedgerState): boolean => tenants.get('shop')?.aliases.current !== undefined
export const isSealed = ({ seals }: LedgerState): boolean => seals.has('faq/1.1.0')
export const isBegun = ({ seals }: LedgerState): boolean => seals.has('faq/1.0.0')
