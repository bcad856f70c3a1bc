import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { parseBundle } from '../../../runtime/bundle/parse.ts'
import { checkTemplateNames } from '../../../runtime/bundle/template-names.ts'
import { bundleSource, FAQ } from '../../support/bundle-source.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

function findings(template: string, changes: Record<string, string> = {}) {
  const { bundle } = parseBundle(bundleSource({ 'templates/card_arrival.j2': template, ...changes }), 'bundles/faq/')
  return checkTemplateNames(bundle!, 'bundles/faq/').map(
    ({ severity, line, column, path }) => `${severity} ${path.split('/').at(-1)}:${line}:${column}`,
  )
}

describe('what a template reads', () => {
  it.each([
    '{{ facts.days[0] }} {{ facts.days | join }} {{ values.phone }} {{ input.question }} {{ intent }}',
    '{% if input.name %}{{ input.name | default("x") }}{% endif %}',
    '{{ input.name | default("you") }}',
    '{% for day in facts.days %}{{ day.anything }}{{ loop.index }}{% endfor %}',
    '{{ "a" if input.name is defined else "b" }}',
  ])('%j may be there', (template) => {
    expect(findings(template)).toEqual([])
  })

  it.each([
    ['{{ facts.dayz }}', 9],
    ['{{ facts.days[7] }}', 14],
    ['{{ facts.days.x }}', 14],
    ['{{ values.fone }}', 10],
    ['{{ input.qestion }}', 9],
    ['{{ input.qestion | default("x") }}', 9],
    ['{% if input.qestion %}x{% endif %}', 12],
    ['{% for x in facts.stepz %}x{% endfor %}', 18],
  ])('%j can never be there', (template, column) => {
    expect(findings(template)).toEqual([`error card_arrival.j2:1:${column}`])
    expect(thrownReason(() => compileBundle(bundleSource({ 'templates/card_arrival.j2': template }), 1))).toBe(
      'TEMPLATE_INVALID',
    )
  })

  it('is doubtful where the input may leave it out', () => {
    expect(findings('Dear {{ input.name }},')).toEqual(['warning card_arrival.j2:1:14'])
  })

  it('must be there for every intent that uses the template, or be asked for', () => {
    const ontology = FAQ['ontology/ontology.yaml']!.replace('template: card_lost.j2', 'template: card_arrival.j2')
    expect(findings('{{ facts.days | join }}', { 'ontology/ontology.yaml': ontology })).toEqual([
      'error card_arrival.j2:1:9',
    ])
    const asked = '{% if facts.days %}x{% endif %}'
    expect(findings(asked, { 'ontology/ontology.yaml': ontology })).toEqual([])
  })
})
