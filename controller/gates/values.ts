import type { LoadedBundle } from '../../runtime/bundle/load.ts'
import { runSuites } from '../../runtime/engine/suites.ts'
import type { Place } from '../../schemas/document.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Values } from '../../schemas/registry/tenant.ts'

/** A tenant's values beside the bundle that an alias gives it: one subject, judged together (DESIGN section 4). */
export type ValuesSubject = {
  tenant: string
  bundle: LoadedBundle
  values: Values
  /** Where a part of `values.yaml` stands. */
  at: (pointer: string[]) => Place
}

/** Values fit the schema of the bundle, and its suites pass with them in place. */
export function judgeValues({ tenant, bundle, values, at }: ValuesSubject): Finding[] {
  const path = `tenants/${tenant}/values.yaml`
  const version = `${bundle.name} ${bundle.version}`
  const violations = bundle.values.check(values)
  if (violations.length > 0) {
    return violations.map(({ pointer, message }) => ({
      gate: 'values',
      code: 'FILE_INVALID',
      severity: 'error',
      path,
      ...at(pointer.split('/').slice(1)),
      message: `${pointer === '' ? 'The values' : pointer} ${message}, says values.schema.yaml of ${version}.`,
      hint: 'Correct the value, or leave it out: every value has a default.',
    }))
  }
  const failing = runSuites(bundle, values, { order: 'given' }).filter(({ verdict }) => verdict === 'fail')
  return failing.map(({ suite, failures, cases, passed }) => ({
    gate: 'values',
    code: 'SUITE_FAILED',
    severity: 'error',
    path,
    line: 1,
    column: 1,
    message: `${version}: with these values ${suite} passes ${passed} of ${cases} cases; "${failures[0]?.name ?? ''}" fails.`,
    hint: `Run contractor test ${bundle.name} --tenant ${tenant}.`,
  }))
}
