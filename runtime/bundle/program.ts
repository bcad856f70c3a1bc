import type { Manifest } from '../../schemas/registry/manifest.ts'
import type { Intent, Ontology } from '../../schemas/registry/ontology.ts'
import type { Policies } from '../../schemas/registry/policies.ts'

/** An intent without what only its router needs. */
export type SealedIntent = Omit<Intent, 'utterances' | 'negatives'>
export type SealedOntology = Pick<Ontology, 'language' | 'routing' | 'fallback'> & { intents: SealedIntent[] }

/**
 * `sealed/program.json`: what the YAML of a bundle says, for whoever executes it. A Runtime reads this and
 * `sealed/router.bin` instead of thousands of lines of YAML, and every Runtime reads the same, whatever its parser.
 */
export type Program = {
  format: 1
  /** The compiler that made it. */
  compiler: number
  source_digest: string
  manifest: Manifest & { bundle_id: string }
  ontology: SealedOntology
  entities: Record<string, object>
  policies: Policies
  /** `values.schema.yaml` */
  values: object | null
}

export const PROGRAM_FILE = 'sealed/program.json'
export const ROUTER_FILE = 'sealed/router.bin'
export { SEALED_FOLDER } from './files.ts'
