import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { withRepetition } from '../../../controller/gates/determinism.ts'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import { openSandbox, SANDBOX_LIMITS, type Sandbox } from '../../../controller/gates/sandbox.ts'
import { sandboxFlags, startChild, type SandboxLimits } from '../../../controller/gates/sandbox-process.ts'
import { encodeTask } from '../../../controller/gates/wire.ts'
import { bundleDigest } from '../../../runtime/bundle/digest.ts'
import { loadBundle } from '../../../runtime/bundle/load.ts'
import { runSuites } from '../../../runtime/engine/suites.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'
import { eventually } from '../../support/eventually.ts'
import { largeBundle } from '../../support/large-bundle.ts'
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

/** Takes far longer than these tests wait. */
const endless = () => encodeTask({ kind: 'judge', request: { ...request, files: largeBundle(150, 100).files } })

const isThere = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a child of the sandbox', () => {
  it('ends itself when its time is over and nobody kills it, in the middle of a computation', async () => {
    const child = startChild({ ...SANDBOX_LIMITS, timeoutMs: 300 })
    child.stdin.end(endless())
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect([code, signal]).toEqual([null, 'SIGKILL'])
  })

  it.each([
    ['that computes', true],
    ['that waits for a task', false],
  ])('%s ends itself when its controller is killed', async (_, computes) => {
    const task = join(await mkdtemp(join(tmpdir(), 'task-')), 'task.json')
    await writeFile(task, endless())
    const entry = fileURLToPath(new URL('../../support/sandbox-owner.js', import.meta.url))
    const owner = spawn(process.execPath, [entry, ...(computes ? [task] : [])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(owner.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    expect(isThere(pid)).toBe(true)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await eventually(
      async () => isThere(pid),
      (there) => !there,
      3_000,
    )
  })
})

describe('the repetition of the cases', () => {
  const children = () => {
    const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    return stdout.split('\n').flatMap((line) => (line.includes('sandbox-child') ? [line.trim().split(' ')[0]] : []))
  }

  it('runs in another process than the judgement', async () => {
    const box = open()
    const spares = await eventually(
      async () => children(),
      (pids) => pids.length === 2,
    )
    const { report } = await box.judge(request)
    expect(report.ran).toContainEqual({ gate: 'determinism', verdict: 'pass' })
    expect(children().filter((pid) => spares.includes(pid))).toEqual([])
  })

  it('refuses a bundle whose cases gave another result there', async () => {
    const { report, sealed } = judgeBundle(request, 'elsewhere')
    const again = runSuites(loadBundle(sealed!), {}, { order: 'reversed' })
    expect(withRepetition(report, again)).toBe(report)
    const [first, ...rest] = again
    const other = [{ ...first!, failures: [{ index: 0, name: 'one', expected: {}, actual: {} }] }, ...rest]
    for (const results of [other, rest, []]) {
      const refused = withRepetition(report, results)
      expect(refused.verdict).toBe('fail')
      expect(refused.ran).toContainEqual({ gate: 'determinism', verdict: 'fail' })
      expect(refused.findings.map(({ code }) => code)).toContain('NOT_DETERMINISTIC')
    }
  })

  it('gives the report that one process gives', async () => {
    const warned = { ...request, files: faq({ 'templates/unused.j2': 'Nobody says this.\n' }) }
    expect((await open().judge(warned)).report).toEqual(judgeBundle(warned).report)
  })
})
