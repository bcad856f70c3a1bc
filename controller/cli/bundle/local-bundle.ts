import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { sourceDigest } from '../../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import type { LoadedBundle } from '../../../runtime/bundle/load.ts'
import { parseBundle, type ParsedBundle } from '../../../runtime/bundle/parse.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Clone } from '../clone/clone.ts'
import { openRouterCache } from '../judge/router-cache.ts'
import { requireRules } from '../judge/rules.ts'
import { bundleNames, readWorkTree, requireBundle } from '../clone/work-tree.ts'

/** A bundle as it stands in the work tree, sealed here. */
export type LocalBundle = {
  name: string
  parsed: ParsedBundle
  loaded: LoadedBundle
  digest: string
  sealed: BundleFiles
}

/** Compiles bundles of the work tree, each again only when its files changed. */
export type LocalBundles = {
  names(): Promise<string[]>
  /** @throws Fault `LAYOUT_INVALID` and the like, with findings; `USAGE` where there is no such bundle */
  compile(name: string): Promise<LocalBundle>
}

export function openLocalBundles(clone: Clone): LocalBundles {
  const routers = openRouterCache(clone)
  const compiled = new Map<string, { source: string; bundle: LocalBundle }>()
  return {
    async names() {
      return bundleNames((await readWorkTree(clone, ['bundles'])).keys())
    },
    async compile(name) {
      const files = await readWorkTree(clone)
      const source = requireBundle(files, name)
      const { compiler } = requireRules(files).rules
      const id = `${compiler} ${sourceDigest(source)}`
      const last = compiled.get(name)
      if (last?.source === id) return last.bundle
      const router = await routers.get(source, compiler)
      const bundle = compileSource(name, source, compiler, router)
      await routers.put(bundle.sealed, compiler)
      compiled.set(name, { source: id, bundle })
      return bundle
    },
  }
}

function compileSource(name: string, source: BundleFiles, compiler: number, router: Buffer | null): LocalBundle {
  const { bundle: parsed, findings } = parseBundle(source, `bundles/${name}/`)
  const errors = findings.filter((finding) => finding.severity === 'error')
  if (parsed === null || errors.length > 0) {
    const code = errors[0]?.code ?? 'LAYOUT_INVALID'
    throw new Fault(code, `bundles/${name} has ${errors.length} error(s).`, { findings: errors })
  }
  const known = router === null ? {} : { routerOf: () => router }
  const { files, loaded, digest } = compileBundle(source, compiler, { bundle: parsed, ...known })
  return { name, parsed, loaded, digest, sealed: files }
}
