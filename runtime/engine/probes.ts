import type { Ontology } from '../../schemas/registry/ontology.ts'
import type { Suite } from '../../schemas/registry/suite.ts'

/** A question to ask two versions of a bundle. `from` says where it comes from, such as `suite routing: arrival`. */
export type Probe = { input: Record<string, unknown>; from: string }

/** What probes are made of: the parts of a parsed bundle. */
export type ProbeSource = { ontology: Ontology; suites: ReadonlyMap<string, Suite> }

/** Opening words that change nothing about a question, by language. */
const OPENINGS: Record<string, readonly string[]> = {
  en: ['please', 'hello,', 'can you tell me'],
  pt: ['por favor', 'olá,', 'você pode me dizer'],
  es: ['por favor', 'hola,', 'me puede decir'],
}

/**
 * The questions of both versions' suites, every utterance, and each utterance with a slip of the keys and in other
 * words by rule. The same sources always give the same probes in the same order; a question stands once.
 */
export function generateProbes(before: ProbeSource, after: ProbeSource): Probe[] {
  const { question } = after.ontology.routing
  const utterances = [before, after].flatMap(({ ontology }) =>
    ontology.intents.flatMap((intent) =>
      intent.utterances.map((text) => ({ text, ontology, from: `utterance of ${intent.name}` })),
    ),
  )
  const probes = [
    ...[after, before].flatMap(({ suites }) => [...suites.values()].flatMap(probesOfSuite)),
    ...utterances.map(({ text, from }) => ({ input: { [question]: text }, from })),
    ...utterances.map(({ text, from }) => ({ input: { [question]: mistyped(text) }, from: `typo in ${from}` })),
    ...utterances.map(({ text, ontology, from }) => ({
      input: { [question]: reworded(text, ontology) },
      from: `rewording of ${from}`,
    })),
  ]
  return [...new Map(probes.toReversed().map((probe) => [JSON.stringify(probe.input), probe])).values()].toReversed()
}

function probesOfSuite({ suite, cases }: Suite): Probe[] {
  return cases.map(({ name, input }) => ({ input, from: `suite ${suite}: ${name}` }))
}

/** Two neighbouring letters of the longest word change places; where both are the same, one is left out. */
function mistyped(text: string): string {
  const words = text.match(/\p{L}+/gu) ?? []
  const longest = words.reduce((best, word) => (word.length > best.length ? word : best), '')
  if (longest.length < 4) return text
  const at = 1 + (hash(text) % (longest.length - 2))
  const [a, b] = [longest.charAt(at), longest.charAt(at + 1)]
  const slip = longest.slice(0, at) + (a === b ? a : b + a) + longest.slice(at + 2)
  return text.replace(longest, () => slip)
}

/** A synonym of the ontology takes the place of its canonical word, or the question gets an opening. */
function reworded(text: string, { language, synonyms = [] }: Ontology): string {
  const words = text.split(' ')
  for (const { canonical, variants } of synonyms) {
    const at = words.findIndex((word) => word.toLowerCase() === canonical.toLowerCase())
    const variant = variants[hash(text) % variants.length]
    if (at >= 0 && variant !== undefined) return words.with(at, variant).join(' ')
  }
  const openings = OPENINGS[language.split('-')[0]!.toLowerCase()] ?? ['…']
  return `${openings[hash(text) % openings.length]!} ${text}`
}

/** FNV-1a over UTF-16 code units: a number that depends on the text alone. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0
  return value
}
