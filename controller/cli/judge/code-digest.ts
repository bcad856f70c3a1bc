import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'

const BUILD = new URL('../../../', import.meta.url)

/**
 * 64 hex digits that name the code below these folders or files of this build, the packages that are installed beside
 * it, and the Node that runs it: another build may come to other results.
 */
export function codeDigest(...paths: string[]): string {
  const hash = createHash('sha256').update(process.version)
  for (const lock of ['node_modules/.package-lock.json', 'package-lock.json', 'package.json']) {
    const path = join(PACKAGE_ROOT, lock)
    if (existsSync(path)) hash.update(`\0${lock}\0`).update(readFileSync(path))
  }
  for (const path of paths.flatMap(filesBelow)) hash.update(`\0${path}\0`).update(readFileSync(new URL(path, BUILD)))
  return hash.digest('hex')
}

function filesBelow(path: string): string[] {
  if (!path.endsWith('/')) return [path]
  const names = readdirSync(new URL(path, BUILD), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => /\.(js|json)$/.test(name))
    .sort()
    .map((name) => path + name)
}
