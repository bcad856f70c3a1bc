import { NAME } from '../../../schemas/names.ts'
import type { Prompt } from './prompt.ts'
import type { BundleIdea, FirstIntent } from './scaffold-bundle.ts'

/** What flags said already; the rest is asked. */
export type KnownIdea = Partial<BundleIdea> & { intent?: string; questions?: readonly string[]; answer?: string }

/** Narrower than the registry: it names a template as well. */
const INTENT = /^[a-z][a-z0-9_]{0,63}$/

/** Of these the bundle has one already. */
const TAKEN = ['contact', 'not_understood']

export const isNewIntent = (name: string): boolean => INTENT.test(name) && !TAKEN.includes(name)

/** Asks a person for what a new bundle needs, again where an answer cannot be. */
export async function askBundle(prompt: Prompt, known: KnownIdea, author: string): Promise<BundleIdea> {
  const name = known.name ?? (await askUntil(prompt, 'Name of the bundle (lower-case letters, digits, hyphens):', NAME))
  const description =
    known.description ?? (await prompt.ask('What does it answer, and to whom?', `What ${name} answers, and to whom.`))
  const who =
    known.author ?? (await askUntil(prompt, 'Its author, a principal of governance/roles.yaml:', NAME, author))
  const first = await askIntent(prompt, known)
  return { name, description, author: who, ...(first !== null && { first }) }
}

async function askIntent(prompt: Prompt, known: KnownIdea): Promise<FirstIntent | null> {
  const name = known.intent ?? (await askNewIntent(prompt))
  if (name === null) return null
  const first = known.questions?.[0] ?? (await askUntil(prompt, 'A question that people ask about it:', /./))
  const more = known.questions?.slice(1) ?? (await askMore(prompt))
  const answer = known.answer ?? (await askUntil(prompt, 'The answer:', /./))
  return { name, questions: [first, ...more], answer }
}

async function askNewIntent(prompt: Prompt): Promise<string | null> {
  for (;;) {
    const name = await prompt.ask('First intent, such as delivery_time (empty: an example about opening hours):')
    if (name === '') return null
    if (isNewIntent(name)) return name
  }
}

async function askMore(prompt: Prompt): Promise<string[]> {
  const more: string[] = []
  for (;;) {
    const question = await prompt.ask('The same in other words (empty: go on):')
    if (question === '') return more
    more.push(question)
  }
}

async function askUntil(prompt: Prompt, question: string, form: RegExp, preset?: string): Promise<string> {
  for (;;) {
    const answer = await prompt.ask(question, preset)
    if (form.test(answer)) return answer
  }
}
