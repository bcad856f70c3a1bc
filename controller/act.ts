import type { RefUpdate, Repository } from '../runtime/git/repository.ts'
import { tagRefOf } from '../runtime/trust/bundle-tag.ts'
import { LIVE_REF } from '../runtime/trust/ledger.ts'
import { verifyStep } from '../runtime/trust/ledger-step.ts'
import { formatStateChanges } from '../runtime/trust/state-files.ts'
import type { Root } from '../schemas/ledger/trust.ts'
import type { Observation, Plan } from './plan.ts'
import type { LedgerHead } from './promotion/head.ts'
import { writeReports } from './promotion/reports.ts'
import type { Signer } from './promotion/sign.ts'
import { writeEntry } from './promotion/write-entry.ts'

export type ActDeps = {
  repository: Repository
  root: Root
  signer: Signer
  /** The bytes of a gate report that is not on the branch `reports` yet. */
  reportOf: (digest: string) => Buffer | null
}

/**
 * Writes what was planned: reports, tags and one entry, each durable before what names it, and the refs by
 * compare-and-swap. The entry is verified as a Runtime would before any ref moves.
 * @throws Fault `REF_CONFLICT` when somebody else was first; nothing was promoted then.
 */
export async function act(plan: Plan, { head, wanted }: Observation, deps: ActDeps): Promise<LedgerHead> {
  const { repository, root, signer } = deps
  const { next, covers, decisions } = plan
  const rules = head.state.registry.rules
  const reports = await writeReports(repository, signer, rules.registry, newReports(plan, deps), next.now)
  const oid = await writeEntry(
    repository,
    signer,
    { oid: head.oid, entry: head.entryDigest, tree: head.tree, files: head.state.files },
    {
      registry: rules.registry,
      epoch: head.epoch,
      seq: next.seq,
      at: next.now,
      source: next.source,
      covers,
      decisions,
      changes: formatStateChanges(changesOf(next, head)),
    },
  )
  const verified = await verifyStep(repository, root, head, oid)
  const tags = newTags(wanted, next)
  await repository.updateRefs([
    ...(reports === null ? [] : [reports]),
    ...tags,
    { ref: LIVE_REF, old: head.oid, new: oid },
  ])
  return verified
}

function changesOf(next: Plan['next'], head: LedgerHead) {
  const { registry, governance, tenants, seals, sets } = next
  const changes = { governance, tenants, seals, sets }
  return registry === head.state.registry ? changes : { registry, ...changes }
}

function newReports({ decisions }: Plan, { reportOf }: ActDeps): Map<string, Buffer> {
  const reports = new Map<string, Buffer>()
  for (const { report } of decisions) {
    const bytes = report === null ? null : reportOf(report)
    if (report !== null && bytes !== null) reports.set(report, bytes)
  }
  return reports
}

/** Tags of what is sealed now, created only; one that stands there already is the controller's own. */
function newTags(wanted: Observation['wanted'], { seals }: Plan['next']): RefUpdate[] {
  return [...seals.values()]
    .filter(({ bundle }) => isFree(wanted?.bundles.get(bundle)))
    .map(({ bundle, version, tag_object }) => ({ ref: tagRefOf(bundle, version), old: null, new: tag_object }))
}

const isFree = (
  bundle: NonNullable<Observation['wanted']>['bundles'] extends ReadonlyMap<string, infer B> ? B | undefined : never,
) => bundle?.kind === 'passed' && bundle.tag === 'free'
