import { bundleDigest, sourceDigest, sourceOf } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { entryAt } from '../../runtime/git/tree-files.ts'
import { DIRECTORY } from '../../runtime/git/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { LedgerHead } from '../promotion/head.ts'
import { orFindings } from '../promotion/read-file.ts'
import { sealsOf } from '../promotion/seals-of.ts'
import { isReadable } from '../promotion/wanted.ts'

/** What a run judges, and everything that its report is a function of. It is kept as JSON while the run waits. */
export type RunSubject = {
  name: string
  sourceDigest: string
  rules: Registry
  /** The seals that existed: of a sealed version those before it, so that its report is made again. */
  sealed: readonly SealRecord[]
  from: { kind: 'seal'; seal: SealRecord } | { kind: 'commit'; commit: string; tree: string }
}

/** A sealed version, under the rules in force. */
export function sealedSubject({ state }: LedgerHead, seal: SealRecord): RunSubject {
  const all = sealsOf(state.seals, seal.bundle)
  const before = all.slice(
    0,
    all.findIndex(({ version }) => version === seal.version),
  )
  const { bundle, source_digest } = seal
  const from = { kind: 'seal', seal } as const
  return { name: bundle, sourceDigest: source_digest, rules: state.registry.rules, sealed: before, from }
}

/**
 * The source of a bundle at a commit, beside what is sealed now.
 * @throws Fault `NOT_FOUND` where there is no such folder, `REQUEST_INVALID` where it is more than gates may be given
 */
export async function sourceSubject(
  reader: ObjectReader,
  { state }: LedgerHead,
  bundle: string,
  commit: string,
): Promise<RunSubject> {
  const tree = await folderAt(reader, bundle, commit)
  if (tree === null) throw new Fault('NOT_FOUND', `there is no bundles/${bundle}/ at ${commit}`)
  const read = await orFindings(`bundles/${bundle}`, () => readBundleFiles(reader, tree, `bundles/${bundle}/`))
  const findings = isReadable(read) ? read.value.findings : read.findings
  const [error] = findings.filter(({ severity }) => severity === 'error')
  if (error !== undefined || !isReadable(read))
    throw new Fault('REQUEST_INVALID', `${error?.path ?? bundle}: ${error?.message ?? 'is unreadable'}`)
  const sealed = sealsOf(state.seals, bundle)
  const from = { kind: 'commit', commit, tree } as const
  return { name: bundle, sourceDigest: sourceDigest(read.value.files), rules: state.registry.rules, sealed, from }
}

/** Tree of a bundle's folder; null where the commit or the folder is not there. */
async function folderAt(reader: ObjectReader, bundle: string, commit: string): Promise<string | null> {
  try {
    const entry = await entryAt(reader, (await readCommit(reader, commit)).tree, `bundles/${bundle}`)
    return entry?.mode === DIRECTORY ? entry.oid : null
  } catch (error) {
    if (error instanceof Fault && error.reason === 'OBJECT_MISSING') return null
    throw error
  }
}

/** The source that a run judges. @throws Fault `BUNDLE_UNVERIFIED` where the sealed bytes are not what `live` says */
export async function readSubject(reader: ObjectReader, { name, from }: RunSubject): Promise<BundleFiles> {
  if (from.kind === 'commit') return (await readBundleFiles(reader, from.tree, `bundles/${name}/`)).files
  const { tree } = await readCommit(reader, from.seal.seal)
  const { files } = await readBundleFiles(reader, tree, '')
  const digest = bundleDigest(files)
  if (digest === from.seal.digest) return sourceOf(files)
  throw new Fault('BUNDLE_UNVERIFIED', `${name} ${from.seal.version} has the digest ${digest}, not that of live`)
}
