import type { Gate } from './gate.ts'

/** Every case twice and in another order must give the same result to the byte. */
export const determinism: Gate = {
  name: 'determinism',
  since: 1,
  judge({ suites, suitesReversed, prefix }) {
    return suites
      .filter((result, index) => JSON.stringify(result) !== JSON.stringify(suitesReversed[index]))
      .map((result) => ({
        gate: 'determinism',
        code: 'NOT_DETERMINISTIC',
        severity: 'error',
        path: `${prefix}suites`,
        line: 1,
        column: 1,
        message: `${result.suite}: the same cases in another order gave another result.`,
        hint: 'Remove what makes an answer depend on the questions before it.',
      }))
  },
}
