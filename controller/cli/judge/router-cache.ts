import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { ONTOLOGY } from '../../../runtime/bundle/layout.ts'
import { ROUTER_FILE } from '../../../runtime/bundle/program.ts'
import { STEMMER_LIBRARY } from '../../../runtime/engine/routing/stemmer.ts'
import type { Clone } from '../clone/clone.ts'

/** Routers that this clone compiled before. Compiling one takes most of the time of judging a bundle. */
export type RouterCache = {
  get(source: BundleFiles, compiler: number): Promise<Buffer | null>
  /** Keeps the router of a sealed bundle for the next time. */
  put(sealed: BundleFiles, compiler: number): Promise<void>
}

const MAX_KEPT = 40

/** A cache in the git folder of the clone, which no commit carries and nobody else writes to. */
export function openRouterCache({ repository }: Clone): RouterCache {
  const folder = join(repository.gitdir, 'contractor', 'routers')
  const memory = new Map<string, Buffer>()
  return {
    async get(source, compiler) {
      const key = keyOf(source, compiler)
      const known = memory.get(key) ?? (await readFile(join(folder, key)).catch(() => null))
      if (known !== null) memory.set(key, known)
      return known
    },
    async put(sealed, compiler) {
      const key = keyOf(sealed, compiler)
      const router = sealed.get(ROUTER_FILE)
      if (router === undefined || memory.has(key)) return
      memory.set(key, router)
      await mkdir(folder, { recursive: true })
      const temporary = join(folder, `.${process.pid}-${key}`)
      await writeFile(temporary, router)
      await rename(temporary, join(folder, key))
      await dropOldest(folder)
    },
  }
}

/** Names a router by all that it depends on: the bytes of the ontology, the compiler, and the code that compiles. */
function keyOf(files: BundleFiles, compiler: number): string {
  const hash = createHash('sha256').update(`${compiler}\0${codeDigest()}\0`)
  return hash.update(files.get(ONTOLOGY) ?? '').digest('hex')
}

let code: string | null = null

/** Digest of the code that makes routers: another build of this program may make others. */
function codeDigest(): string {
  if (code !== null) return code
  const hash = createHash('sha256').update(`${STEMMER_LIBRARY}\0${process.versions['unicode'] ?? ''}`)
  const engine = new URL('../../../runtime/engine/routing/', import.meta.url)
  for (const name of readdirSync(engine)
    .filter((file) => file.endsWith('.js'))
    .sort())
    hash.update(`\0${name}\0`).update(readFileSync(new URL(name, engine)))
  code = hash.update(readFileSync(new URL('../../../schemas/registry/ontology.js', import.meta.url))).digest('hex')
  return code
}

async function dropOldest(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.length <= MAX_KEPT) return
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })))
  aged.sort((a, b) => b.at - a.at)
  for (const { name } of aged.slice(MAX_KEPT)) await rm(join(folder, name), { force: true })
}
