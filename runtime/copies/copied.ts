import type { AuditRecord } from '../audit/record.ts'

/** A durable record on its way to a copy. */
export type Copied = {
  record: AuditRecord
  /** The bytes that the log hashed. */
  line: string
}

/**
 * Takes a batch to where it is copied. It resolves when the other side has it.
 * @throws CopyFailure, or anything else that is worth another try
 */
export type Send = (batch: readonly Copied[]) => Promise<void>

/** What the other side said. `later`: try again. `never`: it will not take this batch, or took only a part of it. */
export class CopyFailure extends Error {
  readonly again: 'later' | 'never'
  /** Milliseconds after which it may be asked again, where it said so. */
  readonly afterMs: number
  constructor(again: 'later' | 'never', message: string, afterMs = 0) {
    super(message)
    this.again = again
    this.afterMs = afterMs
  }
}
