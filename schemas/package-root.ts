import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

/** The folder of this package: where `package.json`, the JSON Schemas and `example-registry/` stand. */
export const PACKAGE_ROOT = findRoot()

const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }

/** The version of this package, which is the version of the Runtime that promotions are checked against (ADR 0008). */
export const PACKAGE_VERSION = manifest.version
