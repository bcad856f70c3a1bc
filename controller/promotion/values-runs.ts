import { bundleDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Sandbox } from '../gates/sandbox.ts'
import type { ValuesProblem } from '../gates/values.ts'
import { valuesKey, type ValuesRequest, type ValuesSeal, type ValuesVerdicts } from './values-verdicts.ts'

/** Values that are judged beside the loop, in the sandbox. */
export type ValuesRuns = {
  verdictOf: ValuesVerdicts
  /** Starts what has no verdict yet; what nobody wants any more and has not begun is dropped. */
  want: (requests: readonly ValuesRequest[]) => void
  stop: () => Promise<void>
}

export type ValuesRunsDeps = {
  repository: ObjectReader
  sandbox: Pick<Sandbox, 'judgeValues'>
  now: () => Date
  /** Called when there is a new verdict; the loop looks again. */
  onVerdict: () => void
  onFault: (error: unknown) => void
}

/** A time-out or crash may be the machine's fault, and so may what Git or the disk refused. */
const RETRY_CRASH_MS = 15 * 60_000
const RETRY_FAULT_MS = 5_000
const MAX_KEPT = 10_000

type Known = { problems: readonly ValuesProblem[] | null; until: number }

export function openValuesRuns({ repository, sandbox, now, onVerdict, onFault }: ValuesRunsDeps): ValuesRuns {
  const known = new Map<string, Known>()
  let queue: ValuesRequest[] = []
  let running: Promise<void> | null = null
  let stopped = false

  const settled = (key: string): Known | null => {
    const found = known.get(key)
    return found !== undefined && found.until > now().getTime() ? found : null
  }

  async function judge(request: ValuesRequest): Promise<void> {
    const key = valuesKey(request)
    if (settled(key) !== null) return
    try {
      const files = await readSealed(repository, request.seal)
      const problems = await sandbox.judgeValues({ files, values: request.values })
      if (stopped) return
      const isCrash = problems.some(({ code }) => code === 'GATE_CRASHED' || code === 'GATE_TIMEOUT')
      known.delete(key)
      known.set(key, { problems, until: isCrash ? now().getTime() + RETRY_CRASH_MS : Infinity })
      forgetOldest(known)
      onVerdict()
    } catch (error) {
      known.set(key, { problems: null, until: now().getTime() + RETRY_FAULT_MS })
      if (!stopped) onFault(error)
    }
  }

  async function work(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await judge(next)
    running = null
  }

  return {
    verdictOf: (request) => settled(valuesKey(request))?.problems ?? null,
    want(requests) {
      queue = [...requests]
      if (!stopped && queue.length > 0) running ??= work()
    },
    async stop() {
      stopped = true
      queue = []
      await running
    },
  }
}

/** @throws Fault `BUNDLE_UNVERIFIED` where the seal is not what `live` says */
async function readSealed(
  repository: ObjectReader,
  { bundle, version, digest, seal }: ValuesSeal,
): Promise<BundleFiles> {
  const { tree } = await readCommit(repository, seal)
  const { files } = await readBundleFiles(repository, tree, '')
  if (bundleDigest(files) === digest) return files
  throw new Fault('BUNDLE_UNVERIFIED', `The seal of ${bundle} ${version} does not have the digest that live names.`)
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_KEPT) return
    map.delete(key)
  }
}
