import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { askBundle } from '../../../controller/cli/scaffold/ask-bundle.ts'
import type { Prompt } from '../../../controller/cli/scaffold/prompt.ts'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'
import { CONTRACTOR } from '../../support/embedded.ts'

const DELIVERY = {
  intent: 'delivery_time',
  question: ['How long does delivery take?', 'When will my parcel arrive?'],
  answer: 'Three to five days.',
}

let clone: AuthorClone
beforeAll(async () => {
  clone = await openAuthorClone()
}, 60_000)
afterAll(() => clone.close())
afterEach(() => clone.git('git reset -q --hard origin/main && git clean -qfd'))

const read = (path: string) => readFile(join(clone.root, path), 'utf8')

async function checkPasses() {
  const { code, out } = await clone.run('check', [], { json: true, base: 'origin/main' })
  expect(JSON.parse(out)).toMatchObject({ verdict: 'pass', bundles: [{ bundle: 'shop' }] })
  expect(code).toBe(0)
}

describe('contractor new bundle with flags', () => {
  it('asks nothing, and makes a bundle that passes', async () => {
    const { code, out } = await clone.run('new bundle', ['shop'], DELIVERY)
    expect(code).toBe(0)
    expect(out).toContain("contractor try shop 'How long does delivery take?'")
    expect(await read('bundles/shop/templates/delivery_time.j2')).toBe('Three to five days.\n')
    await checkPasses()
  })

  it.each([
    ['no name', [], {}, /<name> is missing/],
    ['an intent without an answer', ['shop'], { intent: 'delivery_time' }, /--question and --answer are missing/],
    ['an answer without an intent', ['shop'], { answer: 'No.' }, /name it with --intent/],
    ['an intent that is there already', ['shop'], { ...DELIVERY, intent: 'contact' }, /neither contact nor/],
    ['a question of another intent', ['shop'], { ...DELIVERY, question: ['How can I reach you?'] }, /does not pass/],
    ['an answer that is a broken template', ['shop'], { ...DELIVERY, answer: 'In {{ days' }, /does not pass/],
  ])('writes nothing for %s', async (_what, args, options, words) => {
    const { code, out, err } = await clone.run('new bundle', args, options)
    expect(code).not.toBe(0)
    expect(out + err).toMatch(words)
    expect(existsSync(join(clone.root, 'bundles/shop'))).toBe(false)
  })
})

describe('askBundle', () => {
  const typed = (...lines: string[]): Prompt => ({
    ask: (_question, preset) => Promise.resolve(lines.shift() || (preset ?? '')),
    close: () => {},
  })

  it('asks again for what cannot be, and takes what is offered for an empty line', async () => {
    expect(await askBundle(typed('My Bundle', 'shop', '', '', 'contact', ''), {}, 'ana')).toEqual({
      name: 'shop',
      author: 'ana',
      description: 'What shop answers, and to whom.',
    })
  })

  it('does not ask for what flags said', async () => {
    const known = { name: 'shop', author: 'ben', description: 'Parcels.', intent: 'where', questions: ['Where?'] }
    expect(await askBundle(typed('Here.'), known, 'ana')).toMatchObject({
      author: 'ben',
      first: { name: 'where', questions: ['Where?'], answer: 'Here.' },
    })
  })
})

const hasScript = (() => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()
if (!hasScript) process.stderr.write('new bundle on a pseudo-terminal: skipped, there is no util-linux `script`\n')

describe.skipIf(!hasScript)('contractor new bundle on a terminal', () => {
  async function onTerminal(typed: string) {
    const command = `'${process.execPath}' '${CONTRACTOR}' new bundle`
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: clone.root,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let shown = ''
    let isTyped = false
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
      if (isTyped || !shown.includes('Name of the bundle')) return
      isTyped = true
      child.stdin.write(typed)
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), 25_000)
    const [code] = (await once(child, 'close')) as [number | null]
    clearTimeout(timer)
    return { code, shown }
  }

  it('asks, and makes a bundle that passes', async () => {
    const { code, shown } = await onTerminal(
      'shop\rWhere parcels are.\r\rdelivery_time\rHow long does delivery take?\r\rThree to five days.\r',
    )
    expect(shown).toContain('principal of governance/roles.yaml: [ana]')
    expect(code).toBe(0)
    expect(await read('bundles/shop/manifest.yaml')).toContain('description: "Where parcels are."')
    await checkPasses()
  }, 60_000)

  it('writes nothing where somebody leaves with Ctrl-D or Ctrl-C', async () => {
    for (const key of ['\u0004', '\u0003']) {
      const { code, shown } = await onTerminal(`shop\r${key}`)
      expect(code).toBe(2)
      expect(shown).toContain('Nothing was written')
    }
    expect(existsSync(join(clone.root, 'bundles/shop'))).toBe(false)
  }, 60_000)
})
