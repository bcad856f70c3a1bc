import { afterEach, describe, expect, it } from 'vitest'
import { openSandbox, SANDBOX_LIMITS, type Sandbox, type SandboxLimits } from '../../../controller/gates/sandbox.ts'
import { bundleDigest } from '../../../runtime/bundle/digest.ts'
import { faq, RULES } from '../../support/scaffold.ts'

const request = { files: faq(), name: 'faq', rules: RULES, sealed: [], previous: null }

let sandbox: Sandbox | null = null
afterEach(async () => sandbox?.stop())

function open(limits: Partial<SandboxLimits> = {}): Sandbox {
  sandbox = openSandbox({ ...SANDBOX_LIMITS, ...limits })
  return sandbox
}

describe('the sandbox', () => {
  it('gives the report and the sealed files that the gates made in the child', async () => {
    const { report, sealed } = await open().judge(request)
    expect(report.verdict).toBe('pass')
    expect(bundleDigest(sealed!)).toBe(report.digest)
  })

  it('stops a judgement that takes too long, and refuses the bundle', async () => {
    const { report } = await open({ timeoutMs: 1 }).judge(request)
    expect(report).toMatchObject({ verdict: 'fail', digest: null, findings: [{ code: 'GATE_TIMEOUT' }] })
  })

  it('survives a child that runs out of memory, and refuses the bundle', async () => {
    const { report } = await open({ memoryMiB: 4 }).judge(request)
    expect(report).toMatchObject({ verdict: 'fail', findings: [{ code: 'GATE_CRASHED' }] })
  })

  it('stops a child that prints without end', async () => {
    const { report } = await open({ maxOutputBytes: 100 }).judge(request)
    expect(report).toMatchObject({ verdict: 'fail', findings: [{ code: 'GATE_CRASHED' }] })
  })

  it('judges one bundle after and beside another, each in a process of its own', async () => {
    const box = open()
    const broken = { ...request, files: faq({ 'templates/contact.j2': '{{ x.constructor }}' }) }
    const verdicts = await Promise.all(
      [request, broken, request].map(async (one) => (await box.judge(one)).report.verdict),
    )
    expect(verdicts).toEqual(['pass', 'fail', 'pass'])
    expect((await box.judge(request)).report.verdict).toBe('pass')
  })
})
