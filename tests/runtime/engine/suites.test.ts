import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle, type LoadedBundle } from '../../../runtime/bundle/load.ts'
import { judgeSuites, runSuites } from '../../../runtime/engine/suites.ts'
import type { Expectation, Suite } from '../../../schemas/registry/suite.ts'
import { bundleSource } from '../../support/bundle-source.ts'

const ARRIVAL = 'When will my card arrive?'

function bundleWith(suite: Partial<Suite> & Pick<Suite, 'cases'>): LoadedBundle {
  const text = JSON.stringify({ suite: 'one', kind: 'routing', ...suite })
  return loadBundle(compileBundle(bundleSource({ 'suites/routing.json': text, 'suites/golden.json': null }), 1).files)
}
const cases = (...expectations: [string, Expectation][]) =>
  expectations.map(([question, expected], index) => ({ name: `case ${index}`, input: { question }, expect: expected }))
const run = (suite: Partial<Suite> & Pick<Suite, 'cases'>, order: 'given' | 'reversed' = 'given') =>
  runSuites(bundleWith(suite), {}, { order })

describe('running suites', () => {
  it('gives the figures of every suite, in the order of their paths', () => {
    const bundle = loadBundle(compileBundle(bundleSource(), 1).files)
    expect(runSuites(bundle, {}, { order: 'given' })).toMatchObject([
      {
        bundle: 'faq',
        suite: 'golden',
        kind: 'golden',
        cases: 1,
        passed: 1,
        accuracy: 1,
        verdict: 'pass',
        failures: [],
      },
      {
        bundle: 'faq',
        suite: 'routing',
        kind: 'routing',
        cases: 3,
        passed: 3,
        accuracy: 1,
        verdict: 'pass',
        failures: [],
      },
    ])
  })

  it.each<[Expectation, boolean]>([
    [{ intent: 'card_arrival' }, true],
    [{ intent: 'card_lost' }, false],
    [{ outcome: 'answered' }, true],
    [{ outcome: 'fallback' }, false],
    [{ min_score: 0.5 }, true],
    [{ min_score: 1 }, false],
    [{ max_score: 1 }, true],
    [{ max_score: 0.2 }, false],
    [{ output: { answer: 'Your card arrives in 3 to 5 days. Call 0800 1.' } }, true],
    [{ output: { answer: 'your card arrives in 3 to 5 days. Call 0800 1.' } }, false],
    [{ output: {} }, false],
    [{ intent: 'card_arrival', outcome: 'answered', min_score: 0.5, max_score: 1 }, true],
    [{ intent: 'card_arrival', outcome: 'fallback' }, false],
  ])('holds an answer against %j', (expectation, holds) => {
    const [result] = run({ cases: cases([ARRIVAL, expectation]) })
    expect(result).toMatchObject({ passed: holds ? 1 : 0, verdict: holds ? 'pass' : 'fail' })
  })

  it('shows of a failing case what was expected, what came, and why it went there', () => {
    const [result] = run({
      cases: cases([ARRIVAL, { outcome: 'answered' }], [ARRIVAL, { intent: 'card_lost', min_score: 1 }]),
    })
    expect(result!.failures).toMatchObject([
      {
        index: 1,
        name: 'case 1',
        expected: { intent: 'card_lost', min_score: 1 },
        actual: { intent: 'card_arrival' },
        routing: { matched: expect.arrayContaining(['arrive']) as string[] },
      },
    ])
    expect(Object.keys(result!.failures[0]!.actual).sort()).toEqual(['intent', 'score'])
  })

  it('shows the reason of a refusal', () => {
    const refused = run({ cases: [{ name: 'a', input: { question: 3 }, expect: { intent: 'card_lost' } }] })
    expect(refused[0]!.failures).toMatchObject([{ actual: { reason_code: 'INPUT_INVALID' } }])
  })

  it.each<[number | undefined, 'pass' | 'fail']>([
    [undefined, 'fail'],
    [1, 'fail'],
    [0.67, 'fail'],
    [2 / 3, 'pass'],
    [0.6, 'pass'],
    [0, 'pass'],
  ])('with two of three cases and min_accuracy %s is a %s', (min_accuracy, verdict) => {
    const given = cases(
      [ARRIVAL, { intent: 'card_arrival' }],
      [ARRIVAL, { intent: 'card_arrival' }],
      [ARRIVAL, { intent: 'card_lost' }],
    )
    const [result] = run({ cases: given, ...(min_accuracy !== undefined && { min_accuracy }) })
    expect(result).toMatchObject({ cases: 3, passed: 2, accuracy: 2 / 3, verdict })
  })

  it('gives the same bytes in any order', () => {
    const given = cases(
      [ARRIVAL, { intent: 'card_lost' }],
      ['zzz', { outcome: 'answered' }],
      ['I lost my card', { intent: 'card_lost' }],
    )
    expect(JSON.stringify(run({ cases: given }, 'reversed'))).toBe(JSON.stringify(run({ cases: given }, 'given')))
  })

  it('runs with the values of a tenant', () => {
    const bundle = bundleWith({
      cases: cases([ARRIVAL, { output: { answer: 'Your card arrives in 3 to 5 days. Call 112.' } }]),
    })
    expect(runSuites(bundle, { phone: '112' }, { order: 'given' })[0]!.verdict).toBe('pass')
    expect(runSuites(bundle, {}, { order: 'given' })[0]!.verdict).toBe('fail')
  })

  it('runs only the cases that the filter names', () => {
    const bundle = loadBundle(compileBundle(bundleSource(), 1).files)
    expect(runSuites(bundle, {}, { order: 'given', filter: 'lost' })).toMatchObject([
      { suite: 'routing', cases: 1, passed: 1 },
    ])
    expect(runSuites(bundle, {}, { order: 'given', filter: 'nothing of the kind' })).toEqual([])
  })

  it('tells what no case touches', () => {
    const bundle = bundleWith({ cases: cases([ARRIVAL, { output: {} }], ['I lost my card', { intent: 'card_lost' }]) })
    expect(judgeSuites(bundle, {}, { order: 'given' }).untouched).toEqual({
      intents: ['fallback', 'limits'],
      templates: ['card_lost.j2', 'fallback.j2'],
      branches: ['templates/card_arrival.j2:1:4 if'],
      entities: ['limits'],
    })
  })

  it('judges thousands of cases in a second', () => {
    const given = Array.from({ length: 5_000 }, (_, index) => ({
      name: `case ${index}`,
      input: { question: `${ARRIVAL} ${index}` },
      expect: { intent: 'card_arrival' },
    }))
    const bundle = bundleWith({ cases: given })
    const started = performance.now()
    expect(runSuites(bundle, {}, { order: 'given' })[0]!.cases).toBe(5_000)
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
