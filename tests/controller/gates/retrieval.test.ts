import { describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import { faq, RULES } from '../../support/scaffold.ts'

const ENTITY = `type: object
additionalProperties: false
required: [answer, citations]
properties:
  answer: { type: string, maxLength: 2000 }
  citations: { type: array, maxItems: 20, items: { type: object } }
`
const RETRIEVING = {
  'ontology/ontology.yaml': (text: string) =>
    text.replace(/template: opening_hours.*\n.*facts.*/, 'output: cited\n    retrieval: { documents: [hours.md] }'),
  'entities/cited.schema.yaml': ENTITY,
  'documents/hours.md': '# Opening hours\nWe are open from nine to five.\n',
  'policies/rag.yaml': 'enabled: true\nmax_passages: 2\nmin_score: 0\n',
  'suites/golden.json': null,
  'templates/opening_hours.j2': null,
}

function judge(changes: Parameters<typeof faq>[0]) {
  const files = faq({ ...RETRIEVING, ...changes })
  const { report } = judgeBundle({ files, name: 'faq', rules: RULES, sealed: [], previous: null })
  return report.findings
    .filter(({ severity }) => severity === 'error')
    .map(({ gate, code, path }) => ({ gate, code, path }))
}

describe('an intent that answers from documents', () => {
  it('passes the gates with a rag policy', () => {
    expect(judge({})).toEqual([])
  })

  it('is refused without one', () => {
    const found = judge({ 'policies/rag.yaml': null })
    expect(found).toEqual([{ gate: 'policies', code: 'POLICY_MISSING', path: 'bundles/faq/policies/rag.yaml' }])
  })

  it('is refused where its document is not there', () => {
    const found = judge({ 'documents/hours.md': null })
    expect(found).toContainEqual({
      gate: 'ontology',
      code: 'ONTOLOGY_INVALID',
      path: 'bundles/faq/ontology/ontology.yaml',
    })
  })
})
