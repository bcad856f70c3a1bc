import type { Gate } from './gate.ts'
import { shapeOf } from './gate.ts'

/** The files of ADR 0005, all there and nothing else. */
export const layout: Gate = { name: 'layout', since: 1, judge: (evidence) => shapeOf(evidence, 'layout') }
