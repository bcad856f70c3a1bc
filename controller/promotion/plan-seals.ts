import { tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import type { BundleRef } from '../../schemas/ledger/entry.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { NextState } from './next-state.ts'
import {
  allowed,
  hasRoom,
  MAX_SEALS,
  record,
  recordUndecided,
  refused,
  refusedByFindings,
  type Verdicts,
} from './verdicts.ts'
import type { PreparedSeal, Refusal, WantedBundle } from './wanted.ts'

/** Bundles whose gates passed are sealed; whose gates still run is not decided yet. */
export function planSeals(bundles: ReadonlyMap<string, WantedBundle>, next: NextState, verdicts: Verdicts): void {
  for (const [name, bundle] of [...bundles].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (hasRoom(verdicts, MAX_SEALS)) planSeal(name, bundle, next, verdicts)
}

function planSeal(name: string, bundle: WantedBundle, next: NextState, verdicts: Verdicts): void {
  switch (bundle.kind) {
    case 'sealed':
      return
    case 'pending':
      recordUndecided(verdicts, subjectOf(name, bundle.version))
      return
    case 'unreadable':
      record(verdicts, refusedByFindings(`bundles/${name}`, bundle.findings))
      return
    case 'refused': {
      const { version, reason, report } = bundle
      record(verdicts, refused(subjectOf(name, version), reason.finding.code, describe(reason), { report }))
      return
    }
    case 'passed':
      seal(bundle, next, verdicts)
      return
    default:
      bundle satisfies never
  }
}

function seal(
  { seal: made, authors, tag }: WantedBundle & { kind: 'passed' },
  next: NextState,
  verdicts: Verdicts,
): void {
  const { bundle, version, digest, report } = made
  const to: BundleRef = { bundle, version, digest }
  const people = { authors, approvers: [] }
  const subject = subjectOf(bundle, version)
  if (tag === 'conflict') {
    const message = `${tagRefOf(bundle, version)} exists, and is not the controller's seal of ${digest}.`
    record(verdicts, refused(subject, 'TAG_CONFLICT', message, { to, people, report }))
    return
  }
  next.seals.set(`${bundle}/${version}`, sealRecord(made, authors, next))
  record(verdicts, allowed(subject, 'SEALED', { kind: 'seal', to, people, report }))
}

function sealRecord(made: PreparedSeal, authors: string[], { source, seq }: NextState): SealRecord {
  const { bundle, version, bundle_id, digest, source_digest, report, compatibility, tag_object } = made
  return {
    bundle,
    version,
    bundle_id,
    digest,
    source_digest,
    report,
    compatibility,
    seal: made.seal,
    tag_object,
    source,
    seq,
    authors,
  }
}

const subjectOf = (name: string, version: string | null): string =>
  version === null || version === '' ? `bundles/${name}` : `bundles/${name}/${version}`

function describe({ finding, more }: Refusal): string {
  const others = more === 0 ? '' : ` (and ${more} more)`
  return `${finding.path}:${finding.line}:${finding.column} ${finding.message}${others}`
}
