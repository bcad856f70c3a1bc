import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { parseBundle } from '../../../runtime/bundle/parse.ts'
import { readBundleFiles } from '../../../runtime/bundle/read.ts'
import { parseCommit } from '../../../runtime/git/commit-object.ts'
import { entryAt } from '../../../runtime/git/tree-files.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import { NAME, VERSION } from '../../../schemas/names.ts'
import type { Alias } from '../../../schemas/registry/alias.ts'
import type { Clone } from './clone.ts'

/** `faq@1.2.0` → its parts. @throws Fault `USAGE` */
export function parseBundleVersion(text: string): { bundle: string; version: string } {
  const [bundle = '', version = '', ...rest] = text.split('@')
  if (NAME.test(bundle) && VERSION.test(version) && rest.length === 0) return { bundle, version }
  throw new Fault('USAGE', `Expected <bundle>@<version>, such as faq@1.2.0, got "${text}".`)
}

/**
 * The digest to pin: of the seal where the version is sealed, else of the committed source compiled here, which is
 * what the controller will seal.
 * @throws Fault `NOT_SEALED` where the version is neither sealed nor what HEAD holds
 */
export async function pinVersion(
  clone: Clone,
  state: LedgerState,
  bundle: string,
  version: string,
): Promise<Required<Alias>> {
  const seal = state.seals.get(`${bundle}/${version}`)
  if (seal !== undefined) return { bundle, version, digest: seal.digest }
  const head = await committedBundle(clone, bundle)
  if (head?.version !== version) {
    const found = head === null ? `HEAD has no bundles/${bundle}/` : `bundles/${bundle}/ at HEAD is ${head.version}`
    throw new Fault('NOT_SEALED', `${bundle} ${version} is not sealed, and ${found}. Commit that version first.`)
  }
  return { bundle, version, digest: compileBundle(head.files, state.registry.rules.compiler).digest }
}

async function committedBundle(clone: Clone, bundle: string) {
  const head = await clone.git('rev-parse', 'HEAD')
  const { tree } = parseCommit(await clone.repository.read(head, 'commit'))
  const prefix = `bundles/${bundle}/`
  const entry = await entryAt(clone.repository, tree, `bundles/${bundle}`)
  if (entry === null) return null
  const { files, findings } = await readBundleFiles(clone.repository, entry.oid, prefix)
  const parsed = parseBundle(files, prefix)
  const errors = [...findings, ...parsed.findings].filter((finding) => finding.severity === 'error')
  if (parsed.bundle !== null && errors.length === 0) return { version: parsed.bundle.version, files }
  throw new Fault(errors[0]?.code ?? 'LAYOUT_INVALID', `bundles/${bundle} at HEAD has ${errors.length} error(s).`, {
    findings: errors,
  })
}
