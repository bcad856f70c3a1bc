import { describe, expect, it } from 'vitest'
import { checkTemplate, parseTemplate } from '../../../../runtime/engine/template/check.ts'
import { FILTERS } from '../../../../runtime/engine/template/filters.ts'
import { HOSTILE_TEMPLATES } from '../../../fixtures/hostile-templates.ts'

const hostile = Object.entries(HOSTILE_TEMPLATES).flatMap(([what, sources]) =>
  sources.map((source) => ({ what, source, shown: source.slice(0, 60) })),
)

const KNOWN =
  'abs capitalize default dump escape first float indent int join last length lower replace reverse round sort string sum title trim truncate upper urlencode wordcount'

describe('a template', () => {
  it.each(hostile)('is refused when it $what: $shown', ({ source }) => {
    const started = performance.now()
    const findings = checkTemplate(source, 'templates/a.j2')
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      gate: 'templates',
      code: 'TEMPLATE_INVALID',
      severity: 'error',
      path: 'templates/a.j2',
    })
    expect(findings[0]!.line).toBeGreaterThan(0)
    expect(findings[0]!.column).toBeGreaterThan(0)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it.each([
    ['{{ a }}', 1, 4],
    ['Hello\n  {{ input.name }}\n  {{ nobody }}', 3, 6],
    ['{% if input.a %}\n{{ input.b | nope }}\n{% endif %}', 2, 14],
    ['one\ntwo {% include "x" %}', 2, 8],
    ['one\n\n{{ input.x( }}', 3, 11],
    ['a\nb\u202ec', 2, 2],
    ['{{ input.constructor }}', 1, 9],
    ['{% for x in facts.a %}{% for x in facts.b %}{% endfor %}{% endfor %}', 1, 30],
  ])('names the place of what is wrong in %j', (source, line, column) => {
    expect(checkTemplate(source, 'a.j2')).toMatchObject([{ line, column }])
  })

  it('is parsed once and says what it was named', () => {
    expect(parseTemplate('{{ input.name }}', 'templates/a.j2').path).toBe('templates/a.j2')
  })

  it('may use a list of filters that is known', () => {
    const names = [...FILTERS.keys()].sort().join(' ')
    expect(names).toBe(KNOWN)
  })
})
