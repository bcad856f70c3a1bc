import type { TenantState } from '../../schemas/ledger/state.ts'
import type { TableState } from '../tenants/bundles.ts'
import type { VerifiedLedger } from '../trust/ledger.ts'

/** What is new of a verified ledger since the one that was told before; null where nothing is. */
export type LedgerNews = {
  oid: string
  seq: number
  epoch: number
  governance: TableState['governance'] | null
  revoked: TableState['revoked'] | null
  tenants: [name: string, state: TenantState][]
  removed: string[]
}

/** A state shares what stayed with the one before it, so what is another object is new. */
export function ledgerNews(now: VerifiedLedger, before: VerifiedLedger | null): LedgerNews {
  const { oid, seq, epoch, state } = now
  const known = before?.state
  return {
    oid,
    seq,
    epoch,
    governance: state.governance === known?.governance ? null : state.governance,
    revoked: state.revoked === known?.revoked ? null : state.revoked,
    tenants: [...state.tenants].filter(([name, tenant]) => known?.tenants.get(name) !== tenant),
    removed: known === undefined ? [] : [...known.tenants.keys()].filter((name) => !state.tenants.has(name)),
  }
}

/** A worker reads no seals and no keys: what it is told was verified. */
export const NOTHING_TOLD: TableState = {
  governance: new Map(),
  revoked: [],
  tenants: new Map(),
  seals: new Map(),
  keysets: [],
}

export function withNews(state: TableState, news: LedgerNews): TableState {
  const tenants = new Map(state.tenants)
  for (const name of news.removed) tenants.delete(name)
  for (const [name, tenant] of news.tenants) tenants.set(name, tenant)
  return {
    ...state,
    tenants,
    governance: news.governance ?? state.governance,
    revoked: news.revoked ?? state.revoked,
  }
}
