import { ACTIONS, PROFILES, type Action, type Profile } from './actions.ts'

export type ActionMatrix = { actions: readonly Action[]; profiles: Partial<Readonly<Record<string, Profile>>> }

export const MATRIX: ActionMatrix = { actions: ACTIONS, profiles: PROFILES }

export type GateDecision =
  | { decision: 'allow'; action: Action; profile: Profile }
  | { decision: 'deny'; reason: 'G8_UNKNOWN_ACTION' | 'G9_MISSING_PROFILE'; action: Action | null }

/** What path and method ask for. Paths are compared byte by byte: no decoding, no folding of case or slashes. */
export function decideAction({ actions, profiles }: ActionMatrix, method: string, path: string): GateDecision {
  const action = actions.find((known) => known.method === method && known.path === path)
  if (action === undefined) return { decision: 'deny', reason: 'G8_UNKNOWN_ACTION', action: null }
  const profile = Object.hasOwn(profiles, action.name) ? profiles[action.name] : undefined
  if (profile === undefined) return { decision: 'deny', reason: 'G9_MISSING_PROFILE', action }
  return { decision: 'allow', action, profile }
}
