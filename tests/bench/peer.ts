import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'

const execute = promisify(execFile)

/** Where a peer is, or why the comparison with it must be left out. */
export type Peer = { folder: string } | { missing: string }

/**
 * Installs packages that a benchmark compares with into a folder of their own under the ignored `.bench/`; they are
 * never dependencies of the product. `packages` are names with exact versions, such as `@nlpjs/basic@4.27.0`.
 */
export async function installPeer(name: string, packages: readonly string[]): Promise<Peer> {
  const folder = join(PACKAGE_ROOT, '.bench', name)
  const installed = join(folder, '.installed')
  if (existsSync(installed)) return { folder }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  try {
    await execute('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], { cwd: folder })
  } catch (cause) {
    return { missing: `${packages.join(', ')} could not be installed: ${firstLine(cause)}` }
  }
  writeFileSync(installed, packages.join('\n'))
  return { folder }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
}
