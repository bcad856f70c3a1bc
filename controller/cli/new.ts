import { Fault } from '../../schemas/fault.ts'
import { isTenantName, NAME } from '../../schemas/names.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { writeNewFiles } from './scaffold/new-files.ts'
import { requireRules } from './judge/rules.ts'
import { scaffoldBundle } from './scaffold/scaffold-bundle.ts'
import { scaffoldTenant } from './scaffold/scaffold-registry.ts'
import { readWorkTree } from './clone/work-tree.ts'

export const newBundle: CommandSpec = {
  name: 'new bundle',
  summary: 'write a small bundle that passes every gate, to be edited',
  args: [['<name>', 'lower-case letters, digits and hyphens']],
  options: [
    ['--author <principal>', 'principal of governance/roles.yaml (default: the one with your git e-mail)'],
    CLONE_OPTION,
  ],
  async run(call) {
    const name = requireName(call)
    const clone = await openClone(call)
    const author = optionText(call, 'author') ?? (await principalOfAuthor(clone))
    const files = scaffoldBundle(name, author, new Date())
    await writeNewFiles(clone.root, new Map([...files].map(([path, text]) => [`bundles/${name}/${path}`, text])))
    report(call, `bundles/${name}/`, files.size, `contractor check, then contractor try ${name} "When do you open?"`)
    return 0
  },
}

export const newTenant: CommandSpec = {
  name: 'new tenant',
  summary: 'write the files of a new tenant',
  args: [['<name>', 'lower-case letters, digits and hyphens']],
  options: [CLONE_OPTION],
  async run(call) {
    const name = requireName(call)
    if (!isTenantName(name)) throw new Fault('USAGE', `"${name}" is a word of the registry; choose another name.`)
    const clone = await openClone(call)
    const files = scaffoldTenant(name)
    await writeNewFiles(clone.root, files)
    report(call, `tenants/${name}/`, files.size, `commit and merge it, then contractor keys create ${name}`)
    return 0
  },
}

function requireName(call: Call): string {
  const name = argument(call, 0, 'name')
  if (NAME.test(name)) return name
  throw new Fault(
    'USAGE',
    `A name has 1 to 63 lower-case letters, digits and hyphens and begins with a letter or digit; got "${name}".`,
  )
}

async function principalOfAuthor(clone: Clone): Promise<string> {
  const email = (await clone.git('config', '--default', '', '--get', 'user.email')).toLowerCase()
  const { roles } = requireRules(await readWorkTree(clone)).parsed.governance
  const principal = roles?.principals.find(({ emails }) => emails.some((known) => known.toLowerCase() === email))
  if (principal !== undefined) return principal.id
  throw new Fault(
    'USAGE',
    `Your git e-mail "${email}" is no principal's in governance/roles.yaml. Name the author with --author.`,
  )
}

function report({ terminal }: Call, folder: string, files: number, next: string): void {
  if (terminal.json) terminal.out(JSON.stringify({ folder, files, next }))
  else terminal.out(`${terminal.style('green', '✔')} ${folder}  ${files} files\n  next: ${next}`)
}
