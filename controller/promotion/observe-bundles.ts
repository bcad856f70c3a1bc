import { readCommit } from '../../runtime/git/history.ts'
import type { Repository } from '../../runtime/git/repository.ts'
import { parseTag } from '../../runtime/git/tag-object.ts'
import { bundleDigest } from '../../runtime/bundle/digest.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import { keysEver } from '../../runtime/trust/keysets.ts'
import { verifyCommit } from '../../runtime/trust/verify-commit.ts'
import { verifyTag } from '../../runtime/trust/verify-tag.ts'
import { Fault } from '../../schemas/fault.ts'
import { mapAuthors, readAuthorship, type Authorship } from './authors.ts'
import type { JudgeRequest } from './bundle-judge.ts'
import type { GateRuns } from './gate-runs.ts'
import type { LedgerHead } from './head.ts'
import { finding, orFindings } from './read-file.ts'
import type { SourceFolder } from './read-main.ts'
import { sealsOf } from './seals-of.ts'
import { isReadable, type PreparedSeal, type WantedBundle } from './wanted.ts'

/** All of them are named in the seal, and none of them may approve. */
const MAX_AUTHORS = 1_000

/** Looks what is known of every bundle folder of `main`. */
export type BundleObserver = {
  observe(
    folders: ReadonlyMap<string, SourceFolder>,
    head: LedgerHead,
    tip: string,
    now: Date,
  ): Promise<{ bundles: Map<string, WantedBundle>; missing: JudgeRequest[] }>
}

export function openBundleObserver(repository: Repository, gates: Pick<GateRuns, 'verdictOf'>): BundleObserver {
  const authorships = new Map<string, Authorship>()

  async function observeOne(
    name: string,
    folder: SourceFolder,
    head: LedgerHead,
    tip: string,
    now: Date,
  ): Promise<{ bundle: WantedBundle; missing: JudgeRequest | null }> {
    if (folder.kind === 'unreadable') return { bundle: folder, missing: null }
    const sealed = sealsOf(head.state.seals, name)
    const { tree, sourceDigest } = folder
    if (sealed.some((seal) => seal.source_digest === sourceDigest)) return { bundle: { kind: 'sealed' }, missing: null }
    const request = { name, tree, sourceDigest, rules: head.state.registry.rules, sealed }
    const judged = gates.verdictOf(request)
    if (judged === null) return { bundle: { kind: 'pending', version: null }, missing: request }
    if (judged.verdict === 'refused') {
      const { version, reason, report } = judged
      return { bundle: { kind: 'refused', version, reason, report }, missing: null }
    }
    const lastSealed = sealed.at(-1)?.source ?? null
    const key = `${name} ${tip} ${lastSealed ?? ''}`
    const read = await orFindings(`bundles/${name}`, async () => {
      return authorships.get(key) ?? (await readAuthorship(repository, name, tip, lastSealed))
    })
    if (!isReadable(read)) return { bundle: { kind: 'unreadable', findings: read.findings }, missing: null }
    const authorship = read.value
    authorships.set(key, authorship)
    if (authorship.emails.length > MAX_AUTHORS) return { bundle: tooManyAuthors(name), missing: null }
    const { roles, signers, keysets } = head.state
    const authors = mapAuthors(judged.seal.created_by, authorship, roles, signers, now)
    const found = await orFindings(`bundles/${name}`, () => findTag(repository, judged.seal, keysEver(keysets)))
    if (!isReadable(found)) return { bundle: { kind: 'unreadable', findings: found.findings }, missing: null }
    return { bundle: { kind: 'passed', authors, ...found.value }, missing: null }
  }

  return {
    async observe(folders, head, tip, now) {
      const bundles = new Map<string, WantedBundle>()
      const missing: JudgeRequest[] = []
      for (const [name, folder] of folders) {
        const observed = await observeOne(name, folder, head, tip, now)
        bundles.set(name, observed.bundle)
        if (observed.missing !== null) missing.push(observed.missing)
      }
      for (const key of authorships.keys()) if (!key.includes(` ${tip} `)) authorships.delete(key)
      return { bundles, missing }
    },
  }
}

function tooManyAuthors(name: string): WantedBundle {
  const message = `more than ${MAX_AUTHORS} authors and co-authors since it was last sealed`
  const hint = 'Remove the Co-authored-by lines that name nobody who wrote it.'
  return { kind: 'unreadable', findings: [finding(`bundles/${name}`, 'BUDGET_EXCEEDED', message, hint)] }
}

/** What stands under the tag of a seal: nothing, the seal or another valid one of the same digest, or something else. */
async function findTag(
  repository: Repository,
  seal: PreparedSeal,
  keys: readonly string[],
): Promise<{ tag: 'free' | 'ours' | 'conflict'; seal: PreparedSeal }> {
  const ref = tagRefOf(seal.bundle, seal.version)
  const found = await repository.readRef(ref)
  if (found === null) return { tag: 'free', seal }
  if (found === seal.tag_object) return { tag: 'ours', seal }
  const commit = await sealUnder(repository, ref, found, seal.digest, keys)
  return commit === null
    ? { tag: 'conflict', seal }
    : { tag: 'ours', seal: { ...seal, seal: commit, tag_object: found } }
}

/** The seal commit of a valid tag of this digest; null for anything else. */
async function sealUnder(
  repository: Repository,
  ref: string,
  oid: string,
  digest: string,
  keys: readonly string[],
): Promise<string | null> {
  try {
    const raw = await repository.read(oid, 'tag')
    const { object } = parseTag(raw)
    verifyTag({ oid, raw, ref, object, keys })
    verifyCommit(object, await repository.read(object, 'commit'), keys)
    const { tree, parents } = await readCommit(repository, object)
    const { files, findings } = await readBundleFiles(repository, tree, '')
    return parents.length === 0 && findings.length === 0 && bundleDigest(files) === digest ? object : null
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}
