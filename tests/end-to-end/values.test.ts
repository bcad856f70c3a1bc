import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { valuesDigest } from '../../runtime/tenants/values-digest.ts'
import { promotion, startChain, TENANT, type Chain } from '../support/chain.ts'
import { faq } from '../support/scaffold.ts'
import type { FileChanges } from '../support/test-registry.ts'

const VALUES = `tenants/${TENANT}/values.yaml`

/** A bundle whose tenants say when they close; its suite holds that this is not midnight. */
function version(number: string, property: string): { files: FileChanges; digest: string } {
  const source = faq({
    'manifest.yaml': (text) => text.replace('0.1.0', number),
    'policies/rate_limit.yaml': 'execute:\n  per_minute: 600000\n',
    'values.schema.yaml': `type: object\nadditionalProperties: false\nproperties:\n  ${property}: { type: string, maxLength: 5, default: "17:00" }\n`,
    'templates/opening_hours.j2': `{% if values.${property} == "00:00" %}Always.{% else %}We are open.{% endif %}\n`,
    'suites/golden.json': (text) => text.replace('We are open from 09:00 to 17:00, Monday to Friday.', 'We are open.'),
  })
  const files = Object.fromEntries([...source].map(([path, body]) => [`bundles/faq/${path}`, body.toString()]))
  return { files, digest: compileBundle(source, 1).digest }
}

const first = version('1.0.0', 'closes')
const second = version('2.0.0', 'shuts')

describe('the values of a tenant', () => {
  let chain: Chain

  beforeAll(async () => {
    chain = await startChain({ over: 'path' })
    await chain.commit(first.files, 'faq 1.0.0')
    await chain.git('git push -q')
    await chain.isSealed('1.0.0')
  })
  afterAll(() => chain.close())

  async function pushed(files: FileChanges, subject: string) {
    const seq = await chain.seq()
    await chain.commit(files, 'change')
    await chain.git('git push -q')
    return chain.decidedAbove(seq, subject)
  }
  const inForce = () => chain.controller.head().state.tenants.get(TENANT)
  const lastRecord = () => {
    const folder = join(chain.registry.folder, 'runtime-state')
    const logs = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const lines = logs.flatMap(({ parentPath, name }) => {
      const text = readFileSync(join(parentPath, name), 'latin1')
      return [...text.matchAll(/\{"action":"[^{}]*"phase":"end"(?:[^{}]|\{[^{}]*\})*\}/g)].map(([line]) => line)
    })
    const records = lines.map((line) => JSON.parse(line) as { seq: number; status: number; values?: string })
    return records.filter(({ status }) => status === 200).sort((a, b) => b.seq - a.seq)[0]
  }

  it('that break the schema of the bundle refuse its promotion', async () => {
    const moved = await promotion(chain, '1.0.0', first.digest)
    const refused = await pushed({ ...moved, [VALUES]: 'closes: midnight\n' }, `${TENANT}/candidate`)
    expect(refused).toMatchObject({ decision: 'deny', reason_code: 'FILE_INVALID' })
    expect(refused.message).toContain('/closes')
    expect(inForce()?.aliases).toEqual({})
  })

  it('that fit are in force with the promotion that they allow, and every record names them', async () => {
    const promoted = await pushed({ [VALUES]: 'closes: "18:00"\n' }, `${TENANT}/current`)
    const digest = valuesDigest({ closes: '18:00' })
    expect(promoted).toMatchObject({ decision: 'allow', reason_code: 'PROMOTED', values: digest })
    expect(inForce()?.values).toEqual({ closes: '18:00' })
    await chain.answersFrom('1.0.0')
    expect(lastRecord()).toMatchObject({ values: digest })
  })

  it('with which a suite fails are refused, and what is in force stays', async () => {
    const refused = await pushed({ [VALUES]: 'closes: "00:00"\n' }, VALUES)
    const digest = valuesDigest({ closes: '00:00' })
    expect(refused).toMatchObject({ decision: 'deny', reason_code: 'SUITE_FAILED', values: digest })
    expect(inForce()?.values).toEqual({ closes: '18:00' })
  })

  it('that change alone are judged again', async () => {
    const changed = await pushed({ [VALUES]: 'closes: "19:00"\n' }, `tenants/${TENANT}`)
    expect(changed).toMatchObject({ reason_code: 'CHANGED', values: valuesDigest({ closes: '19:00' }) })
    expect(inForce()?.values).toEqual({ closes: '19:00' })
  })

  it('hold up a bundle that no longer takes them, and go to it together with those that it takes', async () => {
    const seq = await chain.seq()
    await chain.commit({ ...second.files, ...(await promotion(chain, '2.0.0', second.digest)) }, 'faq 2.0.0')
    await chain.git('git push -q')
    const refused = await chain.decidedAbove(seq, `${TENANT}/candidate`)
    expect(refused).toMatchObject({ decision: 'deny', reason_code: 'FILE_INVALID' })
    const together = await pushed({ [VALUES]: 'shuts: "20:00"\n' }, `${TENANT}/current`)
    expect(together).toMatchObject({ reason_code: 'PROMOTED', values: valuesDigest({ shuts: '20:00' }) })
    await chain.answersFrom('2.0.0')
  })

  it('go back with their bundle by a revert', async () => {
    const seq = await chain.seq()
    await chain.git('git revert --no-edit HEAD HEAD~1 && git push -q')
    const back = await chain.decidedAbove(seq, `${TENANT}/current`)
    expect(back.reason_code).toBe('ROLLED_BACK')
    await chain.answersFrom('1.0.0')
    expect(inForce()?.values).toEqual({ closes: '19:00' })
  })
})
