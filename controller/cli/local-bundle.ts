import { compileBundle } from '../../runtime/bundle/compile.ts'
import { loadBundle, type LoadedBundle } from '../../runtime/bundle/load.ts'
import { parseBundle } from '../../runtime/bundle/parse.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Clone } from './clone.ts'
import { requireRules } from './rules.ts'
import { readWorkTree, requireBundle } from './work-tree.ts'

export type LocalBundle = { name: string; loaded: LoadedBundle; digest: string }

/** Compiles a bundle as it stands in the work tree. @throws Fault `LAYOUT_INVALID` and the like, with findings */
export async function compileLocal(clone: Clone, name: string): Promise<LocalBundle> {
  const files = await readWorkTree(clone)
  const source = requireBundle(files, name)
  const { findings } = parseBundle(source, `bundles/${name}/`)
  const errors = findings.filter((finding) => finding.severity === 'error')
  if (errors.length > 0)
    throw new Fault(errors[0]!.code, `bundles/${name} has ${errors.length} error(s).`, { findings: errors })
  const compiled = compileBundle(source, requireRules(files).rules.compiler)
  return { name, loaded: loadBundle(compiled.files), digest: compiled.digest }
}
