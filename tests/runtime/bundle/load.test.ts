import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { loadBundle, underFloor } from '../../../runtime/bundle/load.ts'
import { bestMs } from '../../support/best-time.ts'
import { bundleSource } from '../../support/bundle-source.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const sealed = compileBundle(bundleSource(), 1)

function changed(path: string, change: (text: string) => string | null): BundleFiles {
  const text = change(sealed.files.get(path)?.toString('latin1') ?? '')
  const files = new Map(sealed.files)
  if (text === null) files.delete(path)
  else files.set(path, Buffer.from(text, 'latin1'))
  return files
}
const program = (from: string, to: string) => changed('sealed/program.json', (text) => text.replace(from, to))

describe('loading a sealed bundle', () => {
  it('says what it is', () => {
    const bundle = loadBundle(sealed.files)
    expect(bundle).toMatchObject({
      name: 'faq',
      version: '1.0.0',
      bundleId: sealed.bundleId,
      digest: sealed.digest,
      sourceDigest: sealed.sourceDigest,
    })
    expect([...bundle.intents.keys()]).toEqual(['card_arrival', 'card_lost', 'limits', 'fallback'])
    expect([...bundle.templates.keys()].sort()).toEqual(['card_arrival.j2', 'card_lost.j2', 'fallback.j2'])
    expect([...bundle.contracts.keys()]).toEqual(['answer', 'limits', 'question'])
  })

  it.each<[string, BundleFiles]>([
    ['nothing', new Map()],
    ['a source', bundleSource()],
    ['a seal without a program', changed('sealed/program.json', () => null)],
    ['a program that is no JSON', changed('sealed/program.json', () => '{')],
    ['a program that is another thing', changed('sealed/program.json', () => '[]')],
    ['a program that is null', changed('sealed/program.json', () => 'null')],
    ['a program without policies', changed('sealed/program.json', () => '{"format":1,"manifest":{}}')],
    ['a seal without a router', changed('sealed/router.bin', () => null)],
    ['a torn router', changed('sealed/router.bin', (text) => text.slice(0, 100))],
    ['a router that is empty', changed('sealed/router.bin', () => '')],
    ['a source that was changed after the seal', changed('templates/card_lost.j2', () => 'Pay here.')],
    ['a file that was added after the seal', changed('documents/a.md', () => 'x')],
    ['a manifest of another source', changed('manifest.yaml', (text) => text.replace(/b-.{4}/, 'b-0000'))],
    ['a program of another source', program(sealed.bundleId, `b-${'0'.repeat(32)}`)],
    ['an intent without a template', program('"card_lost.j2"', '"gone.j2"')],
    ['an unknown entity', program('"output": "limits"', '"output": "gone"')],
    ['a hostile entity', program('"maxLength": 300', '"$ref": "http://x"')],
  ])('refuses %s', (_what, files) => {
    expect(thrownReason(() => loadBundle(files))).toBe('BUNDLE_UNVERIFIED')
  })

  it('refuses what this Runtime does not know or cannot enforce, as an incompatibility', () => {
    expect(thrownReason(() => loadBundle(program('"format": 1', '"format": 2')))).toBe('INCOMPATIBLE_RUNTIME')
    expect(thrownReason(() => loadBundle(program('"cache": {', '"llm": { "enabled": true }, "cache": {')))).toBe(
      'INCOMPATIBLE_RUNTIME',
    )
  })

  it('refuses retrieval without its policy or its documents', () => {
    const retrieval = (documents: string) =>
      program('"output": "limits"', `"retrieval": { "documents": [${documents}] }`)
    expect(thrownReason(() => loadBundle(retrieval('')))).toBe('BUNDLE_UNVERIFIED')
    expect(thrownReason(() => loadBundle(retrieval('"none.md"')))).toBe('BUNDLE_UNVERIFIED')
  })

  it('refuses a bundle that lacks a required policy', () => {
    expect(thrownReason(() => loadBundle(program('"security": {', '"insecurity": {')))).toBe('POLICY_MISSING')
  })

  it('is quick enough for a promotion', () => {
    expect(bestMs(() => loadBundle(sealed.files))).toBeLessThan(60)
  })

  it('under a floor keeps the bundle and tightens its policies', () => {
    const bundle = loadBundle(sealed.files)
    const floored = underFloor(bundle, {
      security: { max_input_chars: 5 },
      redaction: { rules: [{ name: 'phone', pattern: '0800 1', replacement: '[phone]' }] },
    })
    expect(floored.policies.security.max_input_chars).toBe(5)
    expect(floored.redact('call 0800 1').value).toBe('call [phone]')
    expect(bundle.policies.security.max_input_chars).toBe(200)
    expect(bundle.redact('call 0800 1').value).toBe('call 0800 1')
  })
})
