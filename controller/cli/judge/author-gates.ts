import type { GateOutcome, GateRequest } from '../../gates/judge-bundle.ts'
import { openSandbox, SANDBOX_LIMITS } from '../../gates/sandbox.ts'
import type { Clone } from '../clone/clone.ts'
import { openRouterCache } from './router-cache.ts'
import { inputsOf, openVerdictCache } from './verdict-cache.ts'

/** The gates as an author runs them: those of the controller, with the routers and verdicts that this clone has already. */
export type AuthorGates = {
  judge(request: Omit<GateRequest, 'router'>): Promise<GateOutcome>
  stop(): Promise<void>
}

/**
 * `sandbox` is for whatever came from other people. `in-process` is for the files that an author is writing, and has
 * no process to start: hostile files would only hurt the one who wrote them. `anew` believes no verdict of before.
 */
export function openAuthorGates(clone: Clone, where: 'sandbox' | 'in-process', anew = false): AuthorGates {
  const routers = openRouterCache(clone)
  const sandbox = where === 'sandbox' ? openSandbox(SANDBOX_LIMITS, 'normal', 'none') : null
  const verdicts = openVerdictCache(clone, routers)
  const last = new Map<string, { inputs: string; outcome: GateOutcome }>()

  async function judgeAnew(request: GateRequest): Promise<GateOutcome> {
    const { compiler } = request.rules
    const router = await routers.get(request.files, compiler)
    const whole = router === null ? request : { ...request, router }
    const outcome = sandbox === null ? await judgeHere(whole) : await sandbox.judge(whole)
    if (outcome.sealed !== null) await routers.put(outcome.sealed, compiler)
    if (sandbox !== null) await verdicts.put(request, outcome)
    return outcome
  }

  return {
    async judge(request) {
      const inputs = inputsOf(request)
      const before = last.get(request.name)
      if (before?.inputs === inputs) return before.outcome
      const outcome = (anew ? null : await verdicts.get(request)) ?? (await judgeAnew(request))
      last.set(request.name, { inputs, outcome })
      return outcome
    },
    async stop() {
      await sandbox?.stop()
    },
  }
}

/** The engine is loaded only where it runs in this process. */
async function judgeHere(request: GateRequest): Promise<GateOutcome> {
  const { judgeBundle } = await import('../../gates/evidence.ts')
  return judgeBundle(request)
}
