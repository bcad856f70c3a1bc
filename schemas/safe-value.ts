import type { Place, Problem } from './document.ts'
import type { Reason } from './reasons.ts'

/** What is wrong at an offset of a text; thrown and caught inside the two safe readers only. */
export class Offence {
  readonly offset: number
  readonly message: string
  readonly hint: string
  /** False where the text is well-formed but not allowed. */
  readonly malformed: boolean

  constructor(offset: number, message: string, hint: string, malformed: boolean) {
    this.offset = offset
    this.message = message
    this.hint = hint
    this.malformed = malformed
  }

  toProblem(code: Reason, placeOf: (offset: number) => Place): Problem {
    return { code, malformed: this.malformed, ...placeOf(this.offset), message: this.message, hint: this.hint }
  }
}

/** Keys with which careless code reaches prototypes. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/

/** YAML reads 017 as 17 and 0xFF as 255, and JSON cannot write some numbers: what is not what it looks like is refused. */
export function numberProblem(value: number, source: string): string | null {
  if (!Number.isFinite(value)) return `expected a finite number, found ${shown(source)}`
  if (!JSON_NUMBER.test(source)) return `expected a number as JSON writes it, found ${shown(source)}`
  if (Object.is(value, -0)) return `expected a number, found ${shown(source)}, which is negative zero`
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `expected a number up to 2^53 - 1, found ${shown(source)}, which would be rounded`
  }
  return null
}

/** Text for a message: in quotes, escaped, and not longer than a line can bear. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
