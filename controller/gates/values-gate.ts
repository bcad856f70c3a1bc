import { PASS, type AliasGate } from './alias-gate.ts'

const NAMED = 3

/** The tenant's values fit the bundle, and its suites pass with them: values and alias are one subject (DESIGN section 4). */
export const values: AliasGate = {
  name: 'values',
  judge({ values: problems, tenant, wanted }) {
    if (problems === null) {
      const message = `The values of ${tenant} are being judged with ${wanted.bundle} ${wanted.version}.`
      return { verdict: 'wait', code: 'EVIDENCE_PENDING', message, not_before: null }
    }
    const [first] = problems
    if (first === undefined) return PASS
    const named = problems.slice(0, NAMED).map(({ message }) => message)
    const more = problems.length > NAMED ? ` (and ${problems.length - NAMED} more)` : ''
    const message = `tenants/${tenant}/values.yaml: ${named.join(' ')}${more}`
    return { verdict: 'deny', code: first.code, message }
  },
}
