import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stockGit } from '../clone/stock-git.ts'
import type { Home } from './home.ts'
import { AUTHOR } from './people.ts'

const BRANCHES = ['demo/faster-card', 'demo/unapproved']

/** Makes the working clone with its identity, its pinned root and the branches to merge; it stands complete or not at all. */
export async function makeWorkClone(home: Home, env: NodeJS.ProcessEnv): Promise<void> {
  const unfinished = `${home.work}.new`
  await rm(unfinished, { recursive: true, force: true })
  await stockGit(home.folder, ['clone', '--quiet', home.registry, unfinished], env)
  const config: [string, string][] = [
    ['user.name', AUTHOR.name],
    ['user.email', AUTHOR.email],
    ['gpg.format', 'ssh'],
    ['gpg.ssh.allowedSignersFile', home.allowedSigners],
    ['contractor.home', home.folder],
    ['contractor.trust', home.root],
  ]
  for (const [name, value] of config) await stockGit(unfinished, ['config', name, value], env)
  for (const branch of BRANCHES) await stockGit(unfinished, ['branch', '--quiet', branch, `origin/${branch}`], env)
  await rename(unfinished, home.work)
}

/** Writes the command `contractor` of this installation; returns its path. */
export async function writeCommand(home: Home): Promise<string> {
  const command = join(home.bin, 'contractor')
  const program = fileURLToPath(new URL('../contractor.js', import.meta.url))
  await mkdir(home.bin, { recursive: true })
  await writeFile(command, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(program)} "$@"\n`)
  await chmod(command, 0o755)
  return command
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`
}
