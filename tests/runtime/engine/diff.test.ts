import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle } from '../../../runtime/bundle/load.ts'
import { parseBundle } from '../../../runtime/bundle/parse.ts'
import { diffBehaviour } from '../../../runtime/engine/diff.ts'
import { generateProbes } from '../../../runtime/engine/probes.ts'
import { bundleSource, FAQ } from '../../support/bundle-source.ts'

function version(changes: Record<string, string | null> = {}) {
  const source = bundleSource(changes)
  return { loaded: loadBundle(compileBundle(source, 1).files), parsed: parseBundle(source, '').bundle! }
}
const edit = (path: string, from: string, to: string) => ({ [path]: FAQ[path]!.replace(from, to) })
const ONTOLOGY = 'ontology/ontology.yaml'
const base = version()

function diff(changes: Record<string, string | null>) {
  const other = version(changes)
  return diffBehaviour(base.loaded, other.loaded, generateProbes(base.parsed, other.parsed))
}

describe('probes', () => {
  const probes = generateProbes(base.parsed, base.parsed)

  it('are the questions of the suites and every utterance, with a typo and in other words', () => {
    const of = (from: string) => probes.filter((probe) => probe.from === from).map(({ input }) => input['question'])
    expect(of('suite routing: lost')).toEqual(['I have lost my card'])
    expect(of('utterance of card_lost')).toContain('block my card')
    expect(of('typo in utterance of card_lost')).toHaveLength(5)
    expect(of('rewording of utterance of card_lost')).toHaveLength(5)
    expect(of('typo in utterance of card_lost')).not.toContain('block my card')
  })

  it('are always the same, and each stands once', () => {
    expect(generateProbes(base.parsed, base.parsed)).toEqual(probes)
    expect(new Set(probes.map(({ input }) => JSON.stringify(input))).size).toBe(probes.length)
  })

  it('use the synonyms of the ontology', () => {
    const { parsed } = version(
      edit(ONTOLOGY, 'intents:', 'synonyms: [{ canonical: card, variants: [plastic] }]\nintents:'),
    )
    expect(generateProbes(parsed, parsed).map(({ input }) => input['question'])).toContain('block my plastic')
  })
})

describe('the behaviour diff', () => {
  it('of a version with itself is empty', () => {
    const { probes, same, changes, intents } = diff({})
    expect({ changes, intents }).toEqual({ changes: [], intents: [] })
    expect(same).toBe(probes)
  })

  it('shows answers that say something else', () => {
    const { counts, changes, intents } = diff(edit(ONTOLOGY, '[3, 5]', '[2, 4]'))
    expect(counts).toMatchObject({ refusal: 0, threshold: 0, intent: 0 })
    expect(counts.output).toBeGreaterThan(10)
    expect(changes[0]).toMatchObject({
      kind: 'output',
      before: { intent: 'card_arrival', output: { answer: 'Your card arrives in 3 to 5 days. Call 0800 1.' } },
      after: { output: { answer: 'Your card arrives in 2 to 4 days. Call 0800 1.' } },
    })
    expect(intents).toEqual([])
  })

  it('shows what an intent wins and loses, with the words that decided', () => {
    const { intents, counts } = diff(edit(ONTOLOGY, 'name: card_lost', 'name: card_stolen'))
    expect(counts.intent).toBeGreaterThan(10)
    const [first, second] = intents
    expect([first!.intent, second!.intent].sort()).toEqual(['card_lost', 'card_stolen'])
    expect(first!.won + first!.lost).toBe(counts.intent)
    expect(first!.examples).toHaveLength(5)
    expect(first!.examples[0]!.after).toMatchObject({ words: expect.arrayContaining(['lost']) as string[] })
  })

  it('shows questions that cross the threshold', () => {
    const { counts } = diff(edit(ONTOLOGY, 'threshold: 0.3', 'threshold: 0.99'))
    expect(counts.threshold).toBeGreaterThan(0)
    expect(counts.intent + counts.output).toBe(0)
  })

  it('shows questions that are refused now', () => {
    const { counts, changes } = diff(edit('policies/security.yaml', '200', '20'))
    expect(counts.refusal).toBeGreaterThan(0)
    expect(changes[0]).toMatchObject({ kind: 'refusal', after: { reason_code: 'INPUT_INVALID' } })
  })

  it('of thousands of probes takes seconds', () => {
    const other = version(edit(ONTOLOGY, '[3, 5]', '[2, 4]'))
    const probes = Array.from({ length: 5_000 }, (_, index) => ({
      input: { question: `when will my card ${index} arrive` },
      from: 'test',
    }))
    const started = performance.now()
    expect(diffBehaviour(base.loaded, other.loaded, probes).probes).toBe(5_000)
    expect(performance.now() - started).toBeLessThan(6_000)
  })
})
