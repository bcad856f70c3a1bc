import { expect, it } from 'vitest'
import { commitmentsOf } from '../../../runtime/audit/commitments.ts'
import { answerOf, type ServedBundle } from '../../../runtime/http/answer.ts'
import { anExecution, servedBundle } from '../../support/runtime-app.ts'

it('shows near intents in the answer and in the record, and the long explanation in the answer alone', () => {
  const short = { score: 0.5, threshold: 0.4, matched: ['card'], ambiguous: ['card_arrival', 'card_lost'] }
  const detail = {
    contributions: [{ word: 'secret', weight: 0.5 }],
    unknown: ['secret'],
    synonyms: [],
    runner_up: null,
    ambiguous: short.ambiguous,
    nearest: null,
  }
  const execution = anExecution({ outcome: 'fallback', intent: 'fallback', routing: { ...short, detail } })
  const commitments = commitmentsOf(Buffer.alloc(32, 7), 'acme')
  const answer = answerOf('acme', servedBundle() as ServedBundle, execution, {}, commitments)
  expect(JSON.parse(`{${answer.body}`)).toMatchObject({ routing: { ...short, detail } })
  expect(answer.routing).toEqual(short)
})
