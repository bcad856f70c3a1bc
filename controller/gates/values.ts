import type { LoadedBundle } from '../../runtime/bundle/load.ts'
import { runSuites } from '../../runtime/engine/suites.ts'
import type { Place } from '../../schemas/document.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Values } from '../../schemas/registry/tenant.ts'

/** What is wrong with values in a bundle, whoever's they are; `pointer` leads to the part that is, or is empty. */
export type ValuesProblem = { code: Reason; pointer: string[]; message: string }

/** Values fit the schema of the bundle, and its suites pass with them in place (DESIGN section 4). */
export function valuesProblems(bundle: LoadedBundle, values: Values): ValuesProblem[] {
  const version = `${bundle.name} ${bundle.version}`
  const violations = bundle.values.check(values)
  if (violations.length > 0) {
    return violations.map(({ pointer, message }) => ({
      code: 'FILE_INVALID',
      pointer: pointer.split('/').slice(1),
      message: `${pointer === '' ? 'The values' : pointer} ${message}, says values.schema.yaml of ${version}.`,
    }))
  }
  const failing = runSuites(bundle, values, { order: 'given' }).filter(({ verdict }) => verdict === 'fail')
  return failing.map(({ suite, failures, cases, passed }) => ({
    code: 'SUITE_FAILED',
    pointer: [],
    message: `${version}: with these values ${suite} passes ${passed} of ${cases} cases; "${failures[0]?.name ?? ''}" fails.`,
  }))
}

/** The values of one tenant; `at` says where a part of its `values.yaml` stands. */
export type ValuesSubject = {
  tenant: string
  bundle: LoadedBundle
  values: Values
  at: (pointer: string[]) => Place
}

/** The problems as findings, at their places in the tenant's file. */
export function judgeValues({ tenant, bundle, values, at }: ValuesSubject): Finding[] {
  return valuesProblems(bundle, values).map(({ code, pointer, message }) => ({
    gate: 'values',
    code,
    severity: 'error',
    path: `tenants/${tenant}/values.yaml`,
    ...at(pointer),
    message,
    hint:
      code === 'SUITE_FAILED'
        ? `Run contractor test ${bundle.name} --tenant ${tenant}.`
        : 'Correct the value, or leave it out: every value has a default.',
  }))
}
