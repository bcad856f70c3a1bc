import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { seededNumbers } from './seeded-numbers.ts'
import { faq } from './scaffold.ts'

const SYLLABLES = 'ba ce di fo gu la me ni po ru sa te vi wo za ke'.split(' ')
const FILLERS = 'how can i what is the my please when do you for a with to of on this'.split(' ')

export type LargeBundle = { files: BundleFiles; intents: { name: string; utterances: string[] }[] }

/**
 * A bundle of many made-up intents, each with words of its own among words of all, and one routing suite of `cases`
 * cases that ask for utterances. The same bundle for the same numbers.
 */
export function largeBundle(count: number, utterancesEach: number, cases = 0): LargeBundle {
  const random = seededNumbers(4)
  const pick = (from: readonly string[]) => from[random(from.length)] as string
  const word = () => Array.from({ length: 3 }, () => pick(SYLLABLES)).join('')
  const intents = Array.from({ length: count }, (_, index) => {
    const own = Array.from({ length: 12 }, () => `${word()}${pick(SYLLABLES)}`)
    const utterances = new Set<string>()
    while (utterances.size < utterancesEach) {
      const words = Array.from({ length: 6 + random(5) }, () => pick(FILLERS))
      for (let at = 0; at < 3; at++) words.splice(random(words.length), 0, pick(own))
      utterances.add(words.join(' '))
    }
    return { name: `intent_${index}`, utterances: [...utterances] }
  })
  return bundleOf(intents, cases)
}

export type Asked = { name: string; utterances: readonly string[] }

/** The bundle of `contractor new bundle` with more intents, and one routing suite of `cases` cases that ask for utterances. */
export function bundleOf<Intent extends Asked>(
  intents: Intent[],
  cases: number,
): { files: BundleFiles; intents: Intent[] } {
  const blocks = intents.map(
    ({ name, utterances }) =>
      `  - name: ${name}\n    title: ${name}\n    template: contact.j2\n    facts: { email: a@example.org, hours: 1 }\n    utterances:\n` +
      utterances.map((text) => `      - ${JSON.stringify(text)}\n`).join(''),
  )
  const asked = Array.from({ length: cases }, (_, index) => {
    const { name, utterances } = intents[index % intents.length] as Intent
    const question = utterances[Math.floor(index / intents.length) % utterances.length]
    return { name: `case ${index}`, input: { question }, expect: { intent: name } }
  })
  const suite = { suite: 'many', kind: 'routing', min_accuracy: 0.9, cases: asked }
  const files = faq({
    'ontology/ontology.yaml': (text) => text.replace('intents:\n', `intents:\n${blocks.join('')}`),
    'suites/threshold.json': null,
    ...(cases > 0 && { 'suites/many.json': `${JSON.stringify(suite)}\n` }),
  })
  return { files, intents }
}
