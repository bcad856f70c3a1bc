import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import {
  openSandbox,
  SANDBOX_LIMITS,
  sandboxFlags,
  type Sandbox,
  type SandboxLimits,
} from '../../../controller/gates/sandbox.ts'
import { bundleDigest } from '../../../runtime/bundle/digest.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'
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

  it.each([
    ["readFileSync('package.json')", null],
    ["readFileSync('README.md')", 'ERR_ACCESS_DENIED'],
    ["readdirSync('.')", 'ERR_ACCESS_DENIED'],
    ["readFileSync('/etc/hostname')", 'ERR_ACCESS_DENIED'],
    ["writeFileSync('schemas/written', '')", 'ERR_ACCESS_DENIED'],
  ])('lets its child read its own code and nothing else: %s', (call, code) => {
    const args = [...sandboxFlags(100), '-e', `require('fs').${call}`]
    const { stderr } = spawnSync(process.execPath, args, { cwd: PACKAGE_ROOT, encoding: 'utf8' })
    expect(/ERR_\w+/.exec(stderr)?.[0] ?? null).toBe(code)
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
