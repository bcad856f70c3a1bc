import { beforeAll, describe, expect, it } from 'vitest'
import { readExample, type Example, type Files } from '../../controller/cli/up/example.ts'
import { bundleNames, bundleOf } from '../../controller/cli/clone/work-tree.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { loadBundle, type LoadedBundle } from '../../runtime/bundle/load.ts'
import { parseBundle } from '../../runtime/bundle/parse.ts'
import { runSuites, suitesOf } from '../../runtime/engine/suites.ts'
import { parseAlias } from '../../schemas/registry/alias.ts'
import type { Ontology } from '../../schemas/registry/ontology.ts'
import { parseValues } from '../../schemas/registry/tenant.ts'

const TENANTS = { acme: 'retail-bank', globex: 'retail-bank', initech: 'atendimento' }
const QUESTION = 'When will my card arrive?'

let example: Example
let tip: Map<string, LoadedBundle>

beforeAll(async () => {
  example = await readExample()
  const names = [...bundleNames(example.tip.keys())]
  tip = new Map(names.map((name) => [name, loadBundle(compileBundle(bundleOf(example.tip, name), 1).files)]))
})

describe('the bundles of the example registry', () => {
  it.each([
    ['retail-bank', 40],
    ['atendimento', 20],
  ])('%s has at least %i intents with at least eight utterances each', (name, least) => {
    const { intents, fallback } = ontologyOf(example.tip, name)
    const routed = intents.filter((intent) => intent.name !== fallback)
    expect(routed.length).toBeGreaterThanOrEqual(least)
    expect(routed.filter(({ utterances }) => utterances.length < 8)).toEqual([])
  })

  it.each(['retail-bank', 'atendimento'])('%s never has one utterance twice', (name) => {
    const utterances = ontologyOf(example.tip, name).intents.flatMap((intent) => intent.utterances.map(plain))
    expect(utterances.filter((text, index) => utterances.indexOf(text) !== index)).toEqual([])
  })

  it.each(['retail-bank', 'atendimento'])('%s asks its routing suite in other words than its utterances', (name) => {
    const { intents, out_of_scope } = ontologyOf(example.tip, name)
    const known = new Set([...intents.flatMap(({ utterances }) => utterances), ...(out_of_scope?.utterances ?? [])].map(plain))
    const suites = [...suitesOf(bundle(name)).values()].filter(({ kind }) => kind === 'routing')
    const questions = suites.flatMap(({ cases }) => cases.map(({ input }) => plain(String(input['question']))))
    expect(questions.length).toBeGreaterThan(intents.length)
    expect(questions.filter((question) => known.has(question))).toEqual([])
  })

  it.each(['retail-bank', 'atendimento'])('%s parses without a finding', (name) => {
    expect(parseBundle(bundleOf(example.tip, name), `bundles/${name}/`).findings).toEqual([])
  })
})

describe('the tenants of the example registry', () => {
  it.each(Object.entries(TENANTS))('%s passes every suite of its bundle with its own values', (tenant, name) => {
    const { value } = parseValues(example.tip.get(`tenants/${tenant}/values.yaml`)!, 'values.yaml')
    expect(bundle(name).values.check(value!)).toEqual([])
    const results = runSuites(bundle(name), value!, { order: 'given' })
    expect(results.length).toBeGreaterThanOrEqual(3)
    expect(results.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  })
})

describe('the history of the example registry', () => {
  it.each([
    ['first', '1.0.0', '5 to 7 days'],
    ['tip', '1.1.0', '3 to 5 days'],
    ['fasterCard', '1.2.0', '2 to 3 days'],
    ['unapproved', '1.3.0', '1 day'],
  ] as const)('at "%s" acme runs retail-bank %s, whose card arrives in %s', (point, version, days) => {
    const files = example[point]
    const { digest, files: sealed } = compileBundle(bundleOf(files, 'retail-bank'), 1)
    const current = aliasOf(files, 'acme', 'current')
    expect(current).toEqual({ bundle: 'retail-bank', version, digest })
    expect(aliasOf(files, 'acme', 'candidate')).toEqual(current)
    const golden = suitesOf(loadBundle(sealed)).get('suites/golden-card-arrival.json')
    const arrival = golden?.cases.find(({ input }) => input['question'] === QUESTION)
    expect(JSON.stringify(arrival?.expect.output)).toContain(days)
  })

  it('keeps globex a version behind acme, with the newer one as candidate', () => {
    expect(aliasOf(example.tip, 'globex', 'current')?.version).toBe('1.0.0')
    expect(aliasOf(example.tip, 'globex', 'candidate')?.version).toBe('1.1.0')
  })

  it('changes the same files on both branches and nothing else, so that one can follow the revert of the other', () => {
    const changed = (files: Files) => [...files.keys()].filter((path) => !files.get(path)!.equals(example.tip.get(path) ?? EMPTY))
    expect(changed(example.fasterCard)).toEqual(changed(example.unapproved))
    expect(changed(example.fasterCard).sort()).toEqual([
      'bundles/retail-bank/manifest.yaml',
      'bundles/retail-bank/suites/golden-card-arrival.json',
      'bundles/retail-bank/templates/card_arrival.j2',
      'tenants/acme/aliases/candidate.yaml',
      'tenants/acme/aliases/current.yaml',
    ])
    expect(example.fasterCard.size).toBe(example.tip.size)
  })
})

const EMPTY = Buffer.alloc(0)

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()

function bundle(name: string): LoadedBundle {
  return tip.get(name)!
}

function ontologyOf(files: Files, name: string): Ontology {
  return parseBundle(bundleOf(files, name), '').bundle!.ontology
}

function aliasOf(files: Files, tenant: string, alias: 'candidate' | 'current') {
  const path = `tenants/${tenant}/aliases/${alias}.yaml`
  return parseAlias(files.get(path)!, path, alias).value
}
