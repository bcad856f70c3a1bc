import type { Finding } from './finding.ts'
import type { Reason } from './reasons.ts'

/**
 * The one error class of the product. `reason` is contract (the closed list of `reasons.ts`); `message` is for
 * people: what was expected, what was found, where, and what to do.
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly reason: Reason
  /** What was wrong in files that people write, each with its place; empty where no file is at fault. */
  readonly findings: readonly Finding[]
  /** Seconds after which the same call may succeed, where that is known. */
  readonly retryAfterS: number | undefined

  constructor(
    reason: Reason,
    message: string,
    options: ErrorOptions & { findings?: readonly Finding[]; retryAfterS?: number } = {},
  ) {
    super(message, options)
    this.reason = reason
    this.findings = options.findings ?? []
    this.retryAfterS = options.retryAfterS
  }
}
