import { sourceDigest } from '../../../runtime/bundle/digest.ts'
import type { GateOutcome, GateRequest } from '../../gates/judge-bundle.ts'
import { openSandbox, SANDBOX_LIMITS } from '../../gates/sandbox.ts'
import type { Clone } from '../clone/clone.ts'
import { openRouterCache } from './router-cache.ts'

/** The gates as an author runs them: those of the controller, with the routers that this clone compiled before. */
export type AuthorGates = {
  judge(request: Omit<GateRequest, 'router'>): Promise<GateOutcome>
  stop(): Promise<void>
}

/**
 * `sandbox` is for whatever came from other people. `in-process` is for the files that an author is writing, and has
 * no process to start: hostile files would only hurt the one who wrote them.
 */
export function openAuthorGates(clone: Clone, where: 'sandbox' | 'in-process'): AuthorGates {
  const routers = openRouterCache(clone)
  const sandbox = where === 'sandbox' ? openSandbox(SANDBOX_LIMITS, 'normal', 'none') : null
  const last = new Map<string, { key: string; outcome: GateOutcome }>()
  return {
    async judge(request) {
      const key = keyOf(request)
      const before = last.get(request.name)
      if (before?.key === key) return before.outcome
      const { compiler } = request.rules
      const router = await routers.get(request.files, compiler)
      const whole = router === null ? request : { ...request, router }
      const outcome = sandbox === null ? await judgeHere(whole) : await sandbox.judge(whole)
      if (outcome.sealed !== null) await routers.put(outcome.sealed, compiler)
      last.set(request.name, { key, outcome })
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

/** Equal for requests whose outcome is the same. */
function keyOf({ files, rules, sealed, previous }: GateRequest): string {
  const seals = sealed.map(({ version, digest }) => `${version} ${digest}`)
  return JSON.stringify([sourceDigest(files), rules, seals, previous === null ? null : sourceDigest(previous)])
}
