import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openRepository, type Repository } from '../../../runtime/git/repository.ts'
import { Fault } from '../../../schemas/fault.ts'
import { optionText, type Call } from '../command.ts'
import { stockGit } from './stock-git.ts'

/** An engineer's clone of a registry. */
export type Clone = {
  /** Top of the work tree. */
  root: string
  repository: Repository
  /** Runs stock git in the clone. */
  git(...args: string[]): Promise<string>
}

export const CLONE_OPTION = [
  '--registry <dir>',
  'a clone of the registry (default: the one around this folder)',
] as const

/**
 * The clone to work on: `--registry`, `CONTRACTOR_REGISTRY`, the clone around the current folder, or the one that
 * `contractor up` made below it.
 * @throws Fault `USAGE` where none of them is a clone of a registry
 */
export async function openClone(call: Call): Promise<Clone> {
  const named = optionText(call, 'registry') ?? call.env['CONTRACTOR_REGISTRY']
  const root = named === undefined ? await findClone(call) : await requireRegistry(resolve(call.cwd, named), call.env)
  const repository = await openRepository(root, { mirror: join(root, '.git', 'contractor', 'mirror'), fetch: [] })
  return { root, repository, git: (...args) => stockGit(root, args, call.env) }
}

async function findClone({ cwd, env }: Call): Promise<string> {
  const around = await stockGit(cwd, ['rev-parse', '--show-toplevel'], env).catch(notAClone)
  for (const folder of [around, join(cwd, '.contractor', 'work')]) {
    if (folder !== null && existsSync(join(folder, 'registry.yaml'))) return folder
  }
  throw new Fault(
    'USAGE',
    `No clone of a registry around ${cwd}: no registry.yaml was found. Change into a clone, or name one with --registry.`,
  )
}

function notAClone(error: unknown): null {
  if (error instanceof Fault && error.reason === 'USAGE') return null
  throw error
}

async function requireRegistry(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const root = await stockGit(folder, ['rev-parse', '--show-toplevel'], env)
  if (existsSync(join(root, 'registry.yaml'))) return root
  throw new Fault('USAGE', `${root} is no clone of a registry: it has no registry.yaml. \`contractor init\` makes one.`)
}
