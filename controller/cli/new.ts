import { Fault } from '../../schemas/fault.ts'
import { isTenantName, NAME } from '../../schemas/names.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { askBundle, isNewIntent, type KnownIdea } from './scaffold/ask-bundle.ts'
import { writeNewFiles } from './scaffold/new-files.ts'
import { openPrompt, type Prompt } from './scaffold/prompt.ts'
import { requireRules } from './judge/rules.ts'
import { scaffoldBundle, type BundleIdea } from './scaffold/scaffold-bundle.ts'
import { scaffoldTenant } from './scaffold/scaffold-registry.ts'
import { readWorkTree } from './clone/work-tree.ts'

export const newBundle: CommandSpec = {
  name: 'new bundle',
  summary: 'write a small bundle that passes every gate, to be edited; asks on a terminal for what is not given',
  args: [['[name]', 'lower-case letters, digits and hyphens']],
  options: [
    ['--author <principal>', 'principal of governance/roles.yaml (default: the one with your git e-mail)'],
    ['--description <text>', 'what it answers, and to whom'],
    ['--intent <name>', 'the first intent, in place of an example about opening hours'],
    ['--question <text...>', 'with --intent: what people ask'],
    ['--answer <text>', 'with --intent: what they are answered'],
    CLONE_OPTION,
  ],
  async run(call) {
    if (call.args[0] !== undefined) requireName(call)
    const clone = await openClone(call)
    const known = knownIdea(call)
    const prompt = isComplete(known) ? null : openPrompt(call.terminal.json)
    const idea = await ideaOf(call, clone, known, prompt).finally(() => prompt?.close())
    const files = scaffoldBundle(idea, new Date())
    const { name, first } = idea
    if (first !== undefined) await requirePassing(clone, name, files)
    await writeNewFiles(clone.root, new Map([...files].map(([path, text]) => [`bundles/${name}/${path}`, text])))
    const question = first?.questions[0] ?? 'When do you open?'
    report(call, `bundles/${name}/`, files.size, `contractor check, then contractor try ${name} ${quoted(question)}`)
    return 0
  },
}

function knownIdea(call: Call): KnownIdea {
  const name = call.args[0]
  const author = optionText(call, 'author')
  const description = optionText(call, 'description')
  const intent = optionText(call, 'intent')
  const answer = optionText(call, 'answer')
  const given = call.options['question']
  const questions = Array.isArray(given) ? given : undefined
  if (intent === undefined && (answer !== undefined || questions !== undefined))
    throw new Fault('USAGE', '--question and --answer belong to an intent: name it with --intent.')
  if (intent !== undefined && !isNewIntent(intent))
    throw new Fault(
      'USAGE',
      `--intent: expected lower-case letters, digits and underscores, and neither contact nor not_understood; got "${intent}".`,
    )
  return {
    ...(name !== undefined && { name }),
    ...(author !== undefined && { author }),
    ...(description !== undefined && { description }),
    ...(intent !== undefined && { intent }),
    ...(questions !== undefined && { questions }),
    ...(answer !== undefined && { answer }),
  }
}

/** Nothing is asked of who gave a name and no part of an intent, or all of it. */
function isComplete({ name, intent, questions, answer }: KnownIdea): boolean {
  return name !== undefined && (intent === undefined || (questions !== undefined && answer !== undefined))
}

async function ideaOf(call: Call, clone: Clone, known: KnownIdea, prompt: Prompt | null): Promise<BundleIdea> {
  if (prompt !== null) {
    const author = known.author ?? (await principalOfAuthor(clone).catch(() => ''))
    return askBundle(prompt, known, author)
  }
  const name = requireName(call)
  const author = known.author ?? (await principalOfAuthor(clone))
  const { intent, questions: [question, ...more] = [], answer, description } = known
  const idea = { name, author, ...(description !== undefined && { description }) }
  if (intent === undefined) return idea
  if (question === undefined || answer === undefined)
    throw new Fault('USAGE', '--intent: its --question and --answer are missing.')
  return { ...idea, first: { name: intent, questions: [question, ...more], answer } }
}

/** @throws Fault of the first finding where what was said makes no bundle that passes; nothing is written then */
async function requirePassing(clone: Clone, name: string, files: ReadonlyMap<string, string>): Promise<void> {
  const { judgeBundle } = await import('../gates/evidence.ts')
  const { rules } = requireRules(await readWorkTree(clone))
  const source = new Map([...files].map(([path, text]) => [path, Buffer.from(text)]))
  const { report: judged } = judgeBundle({ files: source, name, rules, sealed: [], previous: null })
  const findings = judged.findings.filter(({ severity }) => severity === 'error')
  if (judged.verdict === 'pass') return
  const code = findings[0]?.code ?? 'USAGE'
  throw new Fault(code, 'With this intent the bundle does not pass its gates, and nothing was written.', { findings })
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

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
