import type { Reason } from './reasons.ts'

/** One thing that is wrong (`error`), doubtful (`warning`) or worth knowing (`note`) in a file of the registry. */
export type Finding = {
  /** The gate that found it: `layout`, `manifest`, … (DESIGN section 4), or `registry` for files outside bundles. */
  gate: string
  code: Reason
  severity: 'error' | 'warning' | 'note'
  /** Path from the root of the registry, with `/`. */
  path: string
  /** 1-based; 1 where the whole file is meant. */
  line: number
  /** 1-based, in UTF-16 code units; 1 where the whole line is meant. */
  column: number
  message: string
  /** What to do about it. */
  hint: string
}
