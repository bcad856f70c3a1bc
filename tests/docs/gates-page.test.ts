import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUNDLE_GATES } from '../../controller/gates/catalog.ts'
import { judgeBundle } from '../../controller/gates/evidence.ts'
import { layoutFindings } from '../../runtime/bundle/files.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { sourceDigest } from '../../runtime/bundle/digest.ts'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import { faq, RULES } from '../support/scaffold.ts'

const page = readFileSync(join(PACKAGE_ROOT, 'docs/gates.md'), 'utf8')
const at = (version: string) => (text: string) => text.replace('0.1.0', version)
const base = faq({ 'manifest.yaml': at('1.0.1') })
const before = faq({ 'manifest.yaml': at('1.0.0'), 'README.md': 'before\n' })
const previous = compileBundle(before, 1).files
const sealed = [{ version: '1.0.0', source_digest: sourceDigest(before), digest: `sha256:${'0'.repeat(64)}` }]

const examples = [...page.matchAll(/^```diff (\S+) ([A-Z_]+)\n([\s\S]*?)^```$/gm)].map(([, path, code, body]) => ({
  path: path!,
  code: code!,
  lines: body!.split('\n').filter((line) => line !== ''),
}))

/** The bundle with the good lines replaced by the bad ones; without lines, with the file taken away or put there empty. */
function applied({ path, lines }: (typeof examples)[number]) {
  const files = new Map(base)
  const body = files.get(path)?.toString()
  if (lines.length === 0 && body !== undefined) files.delete(path)
  else {
    const good = lines.filter((line) => line.startsWith('-')).map((line) => `${line.slice(1)}\n`)
    const bad = lines.filter((line) => line.startsWith('+')).map((line) => `${line.slice(1)}\n`)
    if (body !== undefined && !body.includes(good.join(''))) throw new Error(`${path} does not hold ${good.join('')}`)
    files.set(path, Buffer.from(body === undefined ? bad.join('') : body.replace(good.join(''), () => bad.join(''))))
  }
  return files
}

describe('docs/gates.md', () => {
  it.each(examples)('is right that this is $code: $path $lines', (example) => {
    const files = applied(example)
    const { report } = judgeBundle({ files, name: 'faq', rules: RULES, sealed, previous })
    const paths = [...files.keys()].map((path) => ({ path, mode: '100644' }))
    const found = [...report.findings, ...layoutFindings(paths, '').values()]
    expect(found.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toContain(example.code)
  })

  it('starts from a bundle that passes', () => {
    const { report } = judgeBundle({ files: base, name: 'faq', rules: RULES, sealed, previous })
    expect(report).toMatchObject({ verdict: 'pass', findings: [] })
  })

  it('has a section for every gate, in the order of the catalogue', () => {
    const ofBundles = page.split('\n## ').find((part) => part.startsWith('Gates of a bundle'))!
    const sections = [...ofBundles.matchAll(/^### (\S+)$/gm)].map(([, name]) => name)
    expect(sections).toEqual(BUNDLE_GATES.map(({ name }) => name))
  })
})
