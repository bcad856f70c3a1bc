import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { loadBundle, type LoadedBundle } from '../../../runtime/bundle/load.ts'
import { parseBundle, type ParsedBundle } from '../../../runtime/bundle/parse.ts'
import { classifyChange } from '../../../runtime/engine/change-class.ts'
import { diffBehaviour } from '../../../runtime/engine/diff.ts'
import { generateProbes, type Probe } from '../../../runtime/engine/probes.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Values } from '../../../schemas/registry/tenant.ts'
import type { BehaviourChanges } from './check-result.ts'

/** A sealed version, or one that was compiled here and would be sealed like this. */
export type Version = { files: BundleFiles; parsed: ParsedBundle; loaded: LoadedBundle }

/** @throws Fault `BUNDLE_UNVERIFIED` where the files are no sealed bundle */
export function openVersion(sealed: BundleFiles): Version {
  const { bundle, findings } = parseBundle(sealed, '', 'sealed')
  if (bundle === null)
    throw new Fault('BUNDLE_UNVERIFIED', 'The sealed version does not parse with this version of contractor.', {
      findings,
    })
  return { files: sealed, parsed: bundle, loaded: loadBundle(sealed) }
}

/** What the second version does otherwise, over generated probes or over the inputs given. */
export function compareVersions(
  from: Version,
  to: Version,
  inputs: readonly Probe[] | null = null,
  values: Values = {},
): Omit<BehaviourChanges, 'tenants'> {
  const { class: changeClass, changes } = classifyChange(from.parsed, to.parsed)
  const probes = inputs ?? generateProbes(from.parsed, to.parsed)
  return {
    bundle: to.parsed.name,
    from: from.parsed.version,
    to: to.parsed.version,
    class: changeClass,
    changes,
    behaviour: diffBehaviour(from.loaded, to.loaded, probes, values),
  }
}
