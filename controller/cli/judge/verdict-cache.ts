import { createHash } from 'node:crypto'
import { bundleDigest } from '../../../runtime/bundle/digest.ts'
import { ROUTER_FILE } from '../../../runtime/bundle/program.ts'
import type { GateOutcome, GateRequest } from '../../gates/judge-bundle.ts'
import { decodeOutcome, encodeOutcome } from '../../gates/wire.ts'
import type { Clone } from '../clone/clone.ts'
import { openCloneCache } from './clone-cache.ts'
import { codeDigest } from './code-digest.ts'
import type { RouterCache } from './router-cache.ts'

/** Verdicts that this clone's gates came to before, for the very same inputs and by the very same code. */
export type VerdictCache = {
  get(request: GateRequest): Promise<GateOutcome | null>
  /** Only for what the whole sandbox judged, in its two processes. */
  put(request: GateRequest, outcome: GateOutcome): Promise<void>
}

export function openVerdictCache(clone: Clone, routers: RouterCache): VerdictCache {
  const kept = openCloneCache(clone, 'verdicts')
  return {
    async get(request) {
      const text = await kept.get(keyOf(request))
      if (text === null) return null
      return readOutcome(text, request, await routers.get(request.files, request.rules.compiler))
    },
    async put(request, outcome) {
      if (isOfThisRun(outcome)) return
      await kept.put(keyOf(request), Buffer.from(encodeOutcome(withoutRouter(outcome), request.files)))
    },
  }
}

/** A time-out or a crash says something about the machine as well, and may not come again. */
const isOfThisRun = ({ report }: GateOutcome) => report.ran.some(({ gate }) => gate === 'sandbox')

/** The router is kept by the cache of routers already. */
function withoutRouter({ report, sealed }: GateOutcome): GateOutcome {
  return { report, sealed: sealed === null ? null : new Map([...sealed].filter(([path]) => path !== ROUTER_FILE)) }
}

/** Null for what does not read back to the digest that the report names, and is judged again then. */
function readOutcome(text: Buffer, { files }: GateRequest, router: Buffer | null): GateOutcome | null {
  try {
    const { report, sealed } = decodeOutcome(text.toString(), files)
    if (sealed === null) return { report, sealed }
    const whole = router === null ? sealed : new Map([...sealed, [ROUTER_FILE, router]])
    return bundleDigest(whole) === report.digest ? { report, sealed: whole } : null
  } catch {
    return null
  }
}

let code: string | null = null

/** Names a verdict by all that it depends on. */
function keyOf(request: GateRequest): string {
  code ??= codeDigest('controller/gates/', 'runtime/', 'schemas/')
  return createHash('sha256')
    .update(`${code}\0${inputsOf(request)}`)
    .digest('hex')
}

/** Equal for requests whose verdict is the same. */
export function inputsOf({ name, files, rules, sealed, previous }: GateRequest): string {
  const seals = sealed.map(({ version, source_digest, digest }) => [version, source_digest, digest])
  return JSON.stringify([name, bundleDigest(files), rules, seals, previous === null ? null : bundleDigest(previous)])
}
