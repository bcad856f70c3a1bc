import semver from 'semver'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { readBundleFiles } from '../../../runtime/bundle/read.ts'
import { parseCommit } from '../../../runtime/git/commit-object.ts'
import { entryAt } from '../../../runtime/git/tree-files.ts'
import { Fault } from '../../../schemas/fault.ts'
import { VERSION } from '../../../schemas/names.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import { sealsOf } from '../../promotion/seals-of.ts'
import { openVersion, type Version } from './behaviour.ts'
import type { Clone } from '../clone/clone.ts'
import { openLocalBundles } from '../bundle/local-bundle.ts'
import { requireRules } from './rules.ts'
import { sealedFiles } from './sealed-files.ts'
import { commitNamed } from '../clone/stock-git.ts'
import { readWorkTree } from '../clone/work-tree.ts'

/** Stands for the files of the work tree where a version is named. */
export const WORK_TREE = '.'

export type NamedVersion = Version & { digest: string }

/**
 * A version of a bundle by the name of a sealed one (`1.2.0`), by a revision of git (`HEAD~1`, `origin/main`), or the
 * one in the work tree (`.`). What is not sealed is compiled here, as the controller would.
 * @throws Fault `USAGE` where there is no such version
 */
export async function bundleAt(
  clone: Clone,
  seals: ReadonlyMap<string, SealRecord>,
  bundle: string,
  name: string,
): Promise<NamedVersion> {
  if (name === WORK_TREE) {
    const { sealed, digest } = await openLocalBundles(clone).compile(bundle)
    return { ...openVersion(sealed), digest }
  }
  if (VERSION.test(name)) {
    const seal = seals.get(`${bundle}/${name}`)
    if (seal !== undefined) return { ...openVersion(await sealedFiles(clone.repository, seal)), digest: seal.digest }
    const known = sealsOf(seals, bundle).map(({ version }) => version)
    const which = known.length === 0 ? 'none is' : `sealed are ${known.join(', ')}`
    throw new Fault('USAGE', `${bundle} ${name} is not sealed; ${which}. "${WORK_TREE}" names the work tree.`)
  }
  const source = await sourceAt(clone, bundle, name)
  const { compiler } = requireRules(await readWorkTree(clone)).rules
  const { files, digest } = compileBundle(source, compiler)
  return { ...openVersion(files), digest }
}

/** The greatest sealed version below that of the work tree, or the greatest of all. @throws Fault `USAGE` where none is sealed */
export function sealedBefore(seals: ReadonlyMap<string, SealRecord>, bundle: string, version: string): string {
  const sealed = sealsOf(seals, bundle).map((seal) => seal.version)
  const below = sealed.filter((known) => semver.lt(known, version))
  const [greatest] = (below.length > 0 ? below : sealed).toSorted(semver.rcompare)
  if (greatest !== undefined) return greatest
  throw new Fault(
    'USAGE',
    `No version of ${bundle} is sealed yet. Name what to compare with, such as HEAD or origin/main.`,
  )
}

async function sourceAt(clone: Clone, bundle: string, revision: string): Promise<BundleFiles> {
  const oid = await commitNamed(clone, revision)
  const { tree } = parseCommit(await clone.repository.read(oid, 'commit'))
  const entry = await entryAt(clone.repository, tree, `bundles/${bundle}`)
  if (entry === null) throw new Fault('USAGE', `There is no bundles/${bundle}/ at ${revision}.`)
  return (await readBundleFiles(clone.repository, entry.oid, `bundles/${bundle}/`)).files
}
