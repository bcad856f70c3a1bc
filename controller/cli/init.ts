import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { NAME } from '../../schemas/names.ts'
import { PACKAGE_VERSION } from '../../schemas/package-root.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'
import { writeNewFiles } from './scaffold/new-files.ts'
import { scaffoldRegistry, type FirstOwner } from './scaffold/scaffold-registry.ts'
import { stockGit } from './clone/stock-git.ts'

export const init: CommandSpec = {
  name: 'init',
  summary: 'make a new registry: a git repository with rules, one owner, and nothing promoted',
  args: [['[dir]', 'the folder (default: this one)']],
  options: [
    ['--id <id>', 'id of the registry; appears in every signed statement (default: name of the folder)'],
    ['--owner <principal>', 'id of the first owner (default: first part of the git e-mail)'],
    ['--key <file.pub>', 'SSH public key of the first owner (default: git config user.signingkey)'],
  ],
  async run(call) {
    const folder = resolve(call.cwd, call.args[0] ?? '.')
    const id = optionText(call, 'id') ?? basename(folder)
    if (!NAME.test(id))
      throw new Fault('USAGE', `--id: a registry id has 1 to 63 lower-case letters, digits and hyphens; got "${id}".`)
    const owner = await firstOwner(call, existsSync(folder) ? folder : call.cwd)
    const files = scaffoldRegistry(id, owner, PACKAGE_VERSION)
    await mkdir(folder, { recursive: true })
    await writeNewFiles(folder, files)
    const git = (...args: string[]) => stockGit(folder, args, call.env)
    await git('init', '--quiet', '--initial-branch=main')
    await git('add', '--', ...files.keys())
    const identity = ['-c', `user.name=${owner.name}`, '-c', `user.email=${owner.email}`]
    await git(...identity, 'commit', '--quiet', '-m', `registry ${id}`)
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ registry: id, folder, files: files.size }))
    else
      terminal.out(
        `${terminal.style('green', '✔')} registry ${id} in ${folder}\n  next: contractor new bundle faq --registry ${folder}\n  then: push it to a server, contractor root init, contractor controller, contractor runtime`,
      )
    return 0
  },
}

async function firstOwner(call: Call, folder: string): Promise<FirstOwner> {
  const config = (name: string) => stockGit(folder, ['config', '--default', '', '--get', name], call.env)
  const [name, email] = await Promise.all([config('user.name'), config('user.email')])
  if (name === '' || email === '')
    throw new Fault('USAGE', 'git does not know who you are: set git config user.name and user.email first.')
  const id =
    optionText(call, 'owner') ??
    email
      .split('@')[0]!
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, '-')
  if (!NAME.test(id))
    throw new Fault('USAGE', `--owner: a principal id has 1 to 63 lower-case letters, digits and hyphens; got "${id}".`)
  const file = optionText(call, 'key') ?? (await config('user.signingkey'))
  if (file === '')
    throw new Fault('USAGE', 'Name your SSH public key, which signs approvals: --key ~/.ssh/id_ed25519.pub')
  const path = resolve(call.cwd, file.endsWith('.pub') ? file : `${file}.pub`)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Fault('USAGE', `The public key ${path} cannot be read.`, { cause: error })
  })
  const [type, key] = text.trim().split(/\s+/)
  if (type === 'ssh-ed25519' || type === 'sk-ssh-ed25519@openssh.com')
    return { id, name, email, publicKey: `${type} ${key}` }
  throw new Fault(
    'USAGE',
    `${join(path)}: only Ed25519 keys sign (ssh-ed25519 or sk-ssh-ed25519@openssh.com), and this is ${type}. Make one: ssh-keygen -t ed25519`,
  )
}
