import type { TrainedIntent } from './model.ts'
import type { Reader, Reading } from './reading.ts'

/** The utterance of an intent that shares most words with the question, by cosine; null where none shares a word. */
export type NearestUtterance = (intent: number, reading: Reading) => string | null

/** Utterances of an intent are read when it is first asked for. */
export function nearestUtterance(intents: readonly TrainedIntent[], reader: Reader): NearestUtterance {
  const readings = new Map<number, { text: string; stems: ReadonlySet<string> }[]>()
  const readingsOf = (intent: number) => {
    const known = readings.get(intent)
    if (known) return known
    const lines = intents[intent]?.utterances.toString('utf8').split('\n') ?? []
    const found = lines.map((text) => ({ text, stems: stemsOf(reader.read(text)) }))
    readings.set(intent, found)
    return found
  }
  return (intent, reading) => {
    const asked = stemsOf(reading)
    let nearest = null
    let most = 0
    for (const { text, stems } of readingsOf(intent)) {
      let shared = 0
      for (const stem of asked) if (stems.has(stem)) shared += 1
      const likeness = (shared * shared) / stems.size
      if (shared > 0 && likeness > most) {
        most = likeness
        nearest = text
      }
    }
    return nearest
  }
}

const stemsOf = ({ tokens }: Reading) => new Set(tokens.map((token) => token.stem))
