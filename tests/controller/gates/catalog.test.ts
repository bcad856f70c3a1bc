import { describe, expect, it } from 'vitest'
import { BUNDLE_GATES, GATES_VERSION } from '../../../controller/gates/catalog.ts'
import type { Evidence, Gate } from '../../../controller/gates/gate.ts'
import { judgeEvidence } from '../../../controller/gates/judge-bundle.ts'
import { reportInputs } from '../../../controller/gates/report-inputs.ts'
import { faq, RULES } from '../../support/scaffold.ts'

const strict: Gate = {
  name: 'strict',
  since: 3,
  judge: () => [
    {
      gate: 'strict',
      code: 'LAYOUT_INVALID',
      severity: 'error',
      path: 'bundles/faq',
      line: 1,
      column: 1,
      message: 'no',
      hint: 'no',
    },
  ],
}

/** Of a bundle with which nothing is wrong; `gates` is what the registry pins. */
function judged(gates: number, catalogue: readonly Gate[]) {
  const rules = { ...RULES, gates }
  const files = faq()
  const evidence: Evidence = {
    name: 'faq',
    prefix: 'bundles/faq/',
    rules,
    inputs: reportInputs({ files, name: 'faq', rules, sealed: [], previous: null }),
    files,
    shape: [],
    bundle: null,
    templates: [],
    entities: [],
    compiled: { digest: `sha256:${'0'.repeat(64)}`, bundleId: `b-${'0'.repeat(32)}` },
    compileFault: null,
    compileFindings: [],
    secrets: [],
    suites: [],
    suitesReversed: [],
    untouched: null,
    needs: null,
    sealed: [],
    previous: null,
  }
  return judgeEvidence(evidence, catalogue)
}

describe('a gate that comes with version 2 of the catalogue', () => {
  it('does not run where version 1 is pinned: reports stay what they were, to the byte', () => {
    expect(JSON.stringify(judged(1, [...BUNDLE_GATES, strict]))).toBe(JSON.stringify(judged(1, BUNDLE_GATES)))
  })

  it('warns where version 2 is pinned', () => {
    const { verdict, ran, findings } = judged(2, [strict])
    expect({ verdict, ran }).toEqual({ verdict: 'pass', ran: [{ gate: 'strict', verdict: 'warn' }] })
    expect(findings).toMatchObject([{ gate: 'strict', severity: 'warning' }])
  })

  it('denies from version 3 on', () => {
    expect(judged(3, [strict]).verdict).toBe('fail')
  })
})

describe('the catalogue', () => {
  it('holds no gate that would change what version 1 judged', () => {
    expect(BUNDLE_GATES.filter(({ since }) => since <= 2).map(({ name }) => name)).toEqual([
      'layout',
      'manifest',
      'ontology',
      'entities',
      'policies',
      'templates',
      'suites',
      'compatibility',
      'immutability',
      'secrets',
      'determinism',
      'budget',
      'coverage',
    ])
  })

  it('runs every gate in its newest version, as a warning at least', () => {
    for (const { since } of BUNDLE_GATES) expect(since).toBeLessThanOrEqual(GATES_VERSION + 1)
  })
})
