import { expect, it } from 'vitest'
import { Fault } from '../../../schemas/fault.ts'
import { problemOf } from '../../../schemas/http/problem.ts'
import { validatorOf } from '../../../schemas/json-schema.ts'
import { REASONS, statusOf, type Reason } from '../../../schemas/reasons.ts'

it.each(Object.keys(REASONS) as Reason[])('%s makes a problem of the published shape', (reason) => {
  const problem = problemOf(new Fault(reason, 'why'), 'id')
  expect(problem).toMatchObject({ status: statusOf(reason), reason_code: reason, request_id: 'id' })
  expect(validatorOf('http/problem', 'every')(problem)).toBe(true)
})

it.each(['UNAUTHENTICATED', 'INTERNAL'] as const)('%s tells a stranger nothing but its title', (reason) => {
  expect(JSON.stringify(problemOf(new Fault(reason, 'the key was revoked'), 'id'))).not.toContain('revoked')
})
