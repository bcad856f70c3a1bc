import type { LoadedBundle } from '../../../runtime/bundle/load.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import type { ValuesProblem } from '../../gates/values.ts'
import { valuesKey, type ValuesRequest, type ValuesVerdicts } from '../../promotion/values-verdicts.ts'
import type { JudgedBundle } from './judge-folders.ts'
import { sealedFiles } from './sealed-files.ts'

/** Values of tenants as a clone judges them: with sealed bundles, and with those that passed their gates just now. */
export type CloneValues = {
  /** Null for what is not sealed and did not pass, which is found elsewhere. */
  bundle(named: Named): Promise<LoadedBundle | null>
  judge(request: ValuesRequest): Promise<void>
  /** What was judged so far. */
  verdicts: ValuesVerdicts
}

export type Named = { bundle: string; version: string; digest: string }

export type CloneValuesDeps = {
  objects: ObjectReader
  seals: ReadonlyMap<string, SealRecord>
  judged: readonly JudgedBundle[]
}

export function openCloneValues({ objects, seals, judged }: CloneValuesDeps): CloneValues {
  const loaded = new Map<string, Promise<LoadedBundle | null>>()
  const known = new Map<string, readonly ValuesProblem[]>()

  async function load({ bundle, version, digest }: Named): Promise<LoadedBundle | null> {
    const here = judged.find(({ report, sealed }) => report.digest === digest && sealed !== null)?.sealed
    const seal = seals.get(`${bundle}/${version}`)
    const sealed = here ?? (seal?.digest === digest ? await sealedFiles(objects, seal) : null)
    if (sealed === null || sealed === undefined) return null
    const { loadBundle } = await import('../../../runtime/bundle/load.ts')
    return loadBundle(sealed)
  }

  function bundleOf(named: Named): Promise<LoadedBundle | null> {
    const loading = loaded.get(named.digest) ?? load(named)
    loaded.set(named.digest, loading)
    return loading
  }

  return {
    bundle: bundleOf,
    async judge(request) {
      const { bundle: name, version, digest } = request.seal
      const bundle = await bundleOf(request.seal)
      const { valuesProblems } = await import('../../gates/values.ts')
      const message = `${name} ${version} (${digest}) is neither sealed nor did it pass its gates.`
      const unsealed: ValuesProblem = { code: 'NOT_SEALED', pointer: [], message }
      known.set(valuesKey(request), bundle === null ? [unsealed] : valuesProblems(bundle, request.values))
    },
    verdicts: (request) => known.get(valuesKey(request)) ?? null,
  }
}
