import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import type { Ontology } from '../../schemas/registry/ontology.ts'

export type Labelled = { text: string; intent: string }

/** `validation` is never trained on; `outOfScope` belongs to no intent. */
export type DataSet = { name: string; train: Labelled[]; validation: Labelled[]; outOfScope: Labelled[] }

type DataFile = { train: Labelled[]; val?: Labelled[]; oos_train?: Labelled[]; oos_val?: Labelled[] }

/** Where the data sets are: they are not part of the product. */
export const DATA_FOLDER =
  process.env['CONTRACTOR_ROUTING_DATA'] ?? join(PACKAGE_ROOT, '..', 'shared', 'data', 'routing')

/** CLINC150 with its own validation part; BANKING77, which has none, with every fifth utterance of an intent as one. */
export function readDataSets(): DataSet[] {
  return ['clinc150', 'banking77'].flatMap((name) => {
    const file = join(DATA_FOLDER, `${name}.json`)
    if (!existsSync(file)) return []
    const data = JSON.parse(readFileSync(file, 'utf8')) as DataFile
    const outOfScope = [...(data.oos_train ?? []), ...(data.oos_val ?? [])]
    if (data.val) return [{ name, train: data.train, validation: data.val, outOfScope }]
    const parts = [...byIntent(data.train).values()].map((own) => shuffled(own, 7))
    const held = (own: Labelled[]) => Math.floor(own.length / 5)
    const validation = parts.flatMap((own) => own.slice(0, held(own)))
    return [{ name, train: parts.flatMap((own) => own.slice(held(own))), validation, outOfScope }]
  })
}

/** The same data set with `count` utterances an intent. */
export function withFewer(data: DataSet, count: number): DataSet {
  const train = [...byIntent(data.train).values()].flatMap((own) => shuffled(own, 1).slice(0, count))
  return { ...data, name: `${data.name}, ${count} an intent`, train }
}

export function ontologyOf({ train }: DataSet): Ontology {
  const intents = [...byIntent(train)].map(([name, own]) => ({
    name,
    title: name.replaceAll('_', ' '),
    utterances: own.map(({ text }) => text),
  }))
  return {
    language: 'en',
    normalization: { fold_accents: true, stemmer: 'english' },
    intents: [...intents, { name: 'fallback', title: 'Fallback', utterances: [] }],
    routing: { threshold: 0.4, input: 'question', question: 'question', output: 'answer' },
    fallback: 'fallback',
  }
}

const NEAR: Readonly<Record<string, string>> = Object.fromEntries(
  ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'].flatMap((row) =>
    Array.from(row).map((key, i) => [key, `${row[i - 1] ?? ''}${row[i + 1] ?? ''}`]),
  ),
)

/** A text with typing errors: a neighbouring key, a missing, an additional or a swapped letter. */
export function withTypos(text: string, count: number, random: () => number): string {
  const letters = Array.from(text)
  for (let typo = 0; typo < count; typo++) {
    const places = letters.flatMap((letter, i) => (/[a-z]/i.test(letter) ? [i] : []))
    const at = places[Math.floor(random() * places.length)]
    if (at === undefined) break
    const letter = letters[at] ?? ''
    const near = NEAR[letter.toLowerCase()] ?? letter
    const other = near[Math.floor(random() * near.length)] ?? letter
    const kind = Math.floor(random() * 4)
    if (kind === 0) letters[at] = other
    else if (kind === 1) letters.splice(at, 1)
    else if (kind === 2) letters.splice(at, 0, other)
    else letters.splice(at, 2, letters[at + 1] ?? '', letter)
  }
  return letters.join('')
}

export function sequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function byIntent(examples: readonly Labelled[]): Map<string, Labelled[]> {
  const groups = new Map<string, Labelled[]>()
  for (const example of examples) {
    const known = groups.get(example.intent)
    if (known) known.push(example)
    else groups.set(example.intent, [example])
  }
  return groups
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = sequence(seed)
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const held = out[i] as T
    out[i] = out[j] as T
    out[j] = held
  }
  return out
}
