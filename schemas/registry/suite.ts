import { CASES } from '../limits.ts'
import { parseFile, type FileKind, type ParsedFile } from '../parse-file.ts'

export type Expectation = {
  intent?: string
  outcome?: 'answered' | 'fallback'
  min_score?: number
  max_score?: number
  /** Exact, compared as JSON values. */
  output?: unknown
}
export type SuiteCase = { name: string; input: Record<string, unknown>; expect: Expectation }

/** `suites/*.json` */
export type Suite = {
  suite: string
  kind: 'routing' | 'threshold' | 'golden'
  /** Share of cases that must pass, 0 to 1; all of them where it is left out. */
  min_accuracy?: number
  cases: SuiteCase[]
}

const SUITE: FileKind<Suite> = {
  schema: 'registry/suite',
  format: 'json',
  limits: CASES,
  gate: 'suites',
  code: 'SUITE_INVALID',
  complete: (written) => written,
}

/** `suites/*.json` */
export function parseSuite(bytes: Uint8Array, path: string): ParsedFile<Suite> {
  return parseFile(SUITE, bytes, path)
}
