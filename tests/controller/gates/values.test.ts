import { describe, expect, it } from 'vitest'
import { judgeValues } from '../../../controller/gates/values.ts'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { parseValues } from '../../../schemas/registry/tenant.ts'
import { faq } from '../../support/scaffold.ts'

const { loaded: bundle } = compileBundle(
  faq({
    'values.schema.yaml':
      'type: object\nadditionalProperties: false\nproperties:\n  closes: { type: string, maxLength: 5, default: "17:00" }\n',
    'templates/opening_hours.j2': 'We are open from {{ facts.opens }} to {{ values.closes }}, Monday to Friday.\n',
  }),
  1,
)

function judge(text: string) {
  const { value, at } = parseValues(Buffer.from(text), 'values.yaml')
  return judgeValues({ tenant: 'shop', bundle, values: value!, at })
}

describe('the values of a tenant', () => {
  it('may be left out, and may say what the bundle says', () => {
    expect(judge('{}\n')).toEqual([])
    expect(judge('closes: "17:00"\n')).toEqual([])
  })

  it.each([
    ['break the schema', 'closes: midnight\n', 'FILE_INVALID', 1],
    ['are none of the schema', '# ours\nopens: "09:00"\n', 'FILE_INVALID', 2],
    ['make a suite fail', 'closes: "18:00"\n', 'SUITE_FAILED', 1],
  ])('are a finding where they %s', (_, text, code, line) => {
    expect(judge(text)).toMatchObject([
      { gate: 'values', code, severity: 'error', path: 'tenants/shop/values.yaml', line },
    ])
  })
})
