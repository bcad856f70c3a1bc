import { createHash } from 'node:crypto'
import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { ONTOLOGY } from '../../../runtime/bundle/layout.ts'
import { ROUTER_FILE } from '../../../runtime/bundle/program.ts'
import type { Clone } from '../clone/clone.ts'
import { openCloneCache } from './clone-cache.ts'
import { codeDigest } from './code-digest.ts'

/** Routers that this clone compiled before. Compiling one takes most of the time of judging a bundle. */
export type RouterCache = {
  get(source: BundleFiles, compiler: number): Promise<Buffer | null>
  /** Keeps the router of a sealed bundle for the next time. */
  put(sealed: BundleFiles, compiler: number): Promise<void>
}

export function openRouterCache(clone: Clone): RouterCache {
  const kept = openCloneCache(clone, 'routers')
  const memory = new Map<string, Buffer>()
  return {
    async get(source, compiler) {
      const key = keyOf(source, compiler)
      const known = memory.get(key) ?? (await kept.get(key))
      if (known !== null) memory.set(key, known)
      return known
    },
    async put(sealed, compiler) {
      const key = keyOf(sealed, compiler)
      const router = sealed.get(ROUTER_FILE)
      if (router === undefined || memory.has(key)) return
      memory.set(key, router)
      await kept.put(key, router)
    },
  }
}

let code: string | null = null

/** Names a router by all that it depends on: the bytes of the ontology, the compiler, and the code that compiles. */
function keyOf(files: BundleFiles, compiler: number): string {
  code ??= codeDigest('runtime/engine/routing/', 'schemas/registry/ontology.js')
  const hash = createHash('sha256').update(`${compiler}\0${code}\0`)
  return hash.update(files.get(ONTOLOGY) ?? '').digest('hex')
}
