import type { VerifiedLedger } from '../../runtime/trust/ledger-step.ts'

/** The newest entry of `live`: verified, with the state that it leads to. */
export type LedgerHead = VerifiedLedger
