import { budget } from './budget.ts'
import { compatibility } from './compatibility.ts'
import { coverage } from './coverage.ts'
import { determinism } from './determinism.ts'
import { entities } from './entities.ts'
import type { Gate } from './gate.ts'
import { immutability } from './immutability.ts'
import { layout } from './layout.ts'
import { manifest } from './manifest.ts'
import { ontology } from './ontology.ts'
import { policies } from './policies.ts'
import { secrets } from './secrets.ts'
import { suites } from './suites.ts'
import { templates } from './templates.ts'

/** The gates of a bundle, in the order in which they are judged and reported (DESIGN section 4). */
export const BUNDLE_GATES: readonly Gate[] = [
  layout,
  manifest,
  ontology,
  entities,
  policies,
  templates,
  suites,
  compatibility,
  immutability,
  secrets,
  determinism,
  budget,
  coverage,
]

/** The newest version of the catalogue that this code knows. */
export const GATES_VERSION = 1
