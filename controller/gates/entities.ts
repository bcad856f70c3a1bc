import type { Gate } from './gate.ts'
import { shapeOf } from './gate.ts'

/** Every entity schema is of the allowed kind, so that no input can exhaust the validator. */
export const entities: Gate = {
  name: 'entities',
  since: 1,
  judge: (evidence) => [...shapeOf(evidence, 'entities'), ...evidence.entities],
}
