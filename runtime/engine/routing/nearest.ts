import type { TrainedIntent } from './model.ts'
import type { Reader, Reading } from './reading.ts'

/** The utterance of an intent that shares most words with the question, by cosine; null where none shares a word. */
export type NearestUtterance = (intent: number, reading: Reading) => string | null

/** Utterances of one intent, and by stem which of them have it. */
type Utterances = {
  texts: string[]
  sizes: number[]
  byStem: ReadonlyMap<string, readonly number[]>
  shared: Float64Array
}

/** Utterances of an intent are read when it is first asked for. */
export function nearestUtterance(intents: readonly TrainedIntent[], reader: Reader): NearestUtterance {
  const read = new Map<number, Utterances>()
  return (intent, reading) => {
    const known = read.get(intent) ?? utterancesOf(intents[intent], reader)
    read.set(intent, known)
    const { texts, sizes, byStem, shared } = known
    shared.fill(0)
    for (const stem of stemsOf(reading)) {
      for (const text of byStem.get(stem) ?? []) shared[text] = (shared[text] as number) + 1
    }
    let nearest = null
    let most = 0
    for (const [text, count] of shared.entries()) {
      const likeness = (count * count) / (sizes[text] ?? 1)
      if (likeness <= most) continue
      most = likeness
      nearest = texts[text] ?? null
    }
    return nearest
  }
}

function utterancesOf(intent: TrainedIntent | undefined, reader: Reader): Utterances {
  const texts = intent?.utterances.toString('utf8').split('\n') ?? []
  const stems = texts.map((text) => stemsOf(reader.read(text)))
  const byStem = new Map<string, number[]>()
  for (const [text, own] of stems.entries()) {
    for (const stem of own) byStem.set(stem, [...(byStem.get(stem) ?? []), text])
  }
  return { texts, sizes: stems.map(({ size }) => size), byStem, shared: new Float64Array(texts.length) }
}

const stemsOf = ({ tokens }: Reading) => new Set(tokens.map((token) => token.stem))
