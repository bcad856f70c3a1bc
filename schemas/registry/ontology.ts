import { CATALOGUE } from '../limits.ts'
import { parseFile, type FileKind, type ParsedFile } from '../parse-file.ts'

export type Intent = {
  name: string
  title: string
  utterances: string[]
  negatives?: string[]
  /** Score from which this intent is taken; `routing.threshold` otherwise. */
  threshold?: number
  /** Name of the entity that the request's `input` must satisfy; `routing.input` otherwise. */
  input?: string
  /** Name of the entity that the answer's `output` must satisfy; `routing.output` otherwise. */
  output?: string
  /** File name under `templates/`, such as `card_arrival.j2`. */
  template?: string
  /** Constant facts that the template sees as `facts.*`. */
  facts?: Record<string, unknown>
  /** Answer from `documents/` by the `rag` policy instead of a template. */
  retrieval?: { documents: string[] }
}

/** `ontology/ontology.yaml`: terms, intents and how questions are routed to them (ROUTING.md). */
export type Ontology = {
  /** BCP 47 */
  language: string
  normalization: {
    fold_accents: boolean
    /** Name of the stemmer, or `none`. */
    stemmer: string
    stop_words?: string[]
  }
  synonyms?: { canonical: string; variants: string[] }[]
  intents: Intent[]
  out_of_scope?: { utterances: string[] }
  routing: {
    threshold: number
    min_margin?: number
    /** Entity of the request's `input`, and which of its properties holds the question. */
    input: string
    question: string
    /** Entity of the answer's `output`. */
    output: string
  }
  /** Name of the intent that answers when none other does. It is never a target of routing itself. */
  fallback: string
}

type WrittenOntology = Omit<Ontology, 'intents'> & {
  intents: (Omit<Intent, 'utterances'> & { utterances?: string[] })[]
}

const ONTOLOGY: FileKind<WrittenOntology, Ontology> = {
  schema: 'registry/ontology',
  format: 'yaml',
  limits: CATALOGUE,
  gate: 'ontology',
  code: 'ONTOLOGY_INVALID',
  complete: (written) => ({
    ...written,
    intents: written.intents.map((intent) => ({ ...intent, utterances: intent.utterances ?? [] })),
  }),
}

/** `ontology/ontology.yaml`. An intent may leave its utterances out: it is then reached by name, or as the fallback. */
export function parseOntology(bytes: Uint8Array, path: string): ParsedFile<Ontology> {
  return parseFile(ONTOLOGY, bytes, path)
}
