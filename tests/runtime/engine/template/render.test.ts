import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTemplate } from '../../../../runtime/engine/template/check.ts'
import { renderTemplate } from '../../../../runtime/engine/template/render.ts'
import { Fault } from '../../../../schemas/fault.ts'

const CONTEXT = {
  input: {
    question: 'Where is <my> card?',
    name: 'ana maria',
    n: 3,
    tags: ['b', 'a'],
    nil: null,
    yes: true,
    deep: { a: { b: 'x' } },
  },
  intent: 'card_arrival',
  facts: {
    days: [3, 5],
    steps: ['open', 'tap', 'wait'],
    fee: 2.5,
    many: Array.from({ length: 1_000 }, (_, i) => i),
    rows: [
      { k: 'a', v: 1 },
      { k: 'b', v: 2 },
    ],
  },
  values: { phone: '0800 1' },
}

const render = (source: string, context: object = {}) =>
  renderTemplate(parseTemplate(source, 'a.j2'), { ...CONTEXT, ...context }).text
const reasonOf = (run: () => unknown): string => {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof Fault) return error.reason
    throw error
  }
}

describe('rendering', () => {
  it.each([
    ['plain text', 'plain text'],
    ['one line\n', 'one line'],
    ['two\n\n', 'two\n'],
    ['{{ input.question }}', 'Where is <my> card?'],
    ['{{ input.question | escape }}', 'Where is &lt;my&gt; card?'],
    ['{{ intent }}', 'card_arrival'],
    ['{{ facts.days | join(" to ") }} days, call {{ values.phone }}', '3 to 5 days, call 0800 1'],
    ['{{ facts.days[0] }}-{{ facts["days"][1] }}', '3-5'],
    ['{{ input.deep.a.b }}', 'x'],
    ['{{ input.missing | default("n/a") }}', 'n/a'],
    ['{{ input.missing.deeper | default("n/a") }}', 'n/a'],
    ['{{ "" | default("n/a", true) }}', 'n/a'],
    ['{{ input.n }} {{ facts.fee }} {{ input.yes }} [{{ input.nil }}] {{ -1 }}', '3 2.5 true [] -1'],
    ['{% if input.n > 2 and not input.nil %}yes{% else %}no{% endif %}', 'yes'],
    ['{% if input.n == 1 %}a{% elif input.n == 3 %}b{% else %}c{% endif %}', 'b'],
    ['{% if input.missing %}a{% else %}b{% endif %}', 'b'],
    ['{% if input.missing is defined %}a{% else %}b{% endif %}', 'b'],
    ['{% if input.missing is undefined %}a{% endif %}{% if input.nil is none %}b{% endif %}', 'ab'],
    ['{% if input.name is not none %}a{% endif %}', 'a'],
    ['{{ "y" if "a" in input.tags else "z" }}{{ "y" if "q" in input.tags }}', 'y'],
    ['{% if "card" in input.question %}y{% endif %}{% if "x" not in input.tags %}y{% endif %}', 'yy'],
    [
      '{% for s in facts.steps %}{{ loop.index }}. {{ s }}{% if not loop.last %}\n{% endif %}{% endfor %}',
      '1. open\n2. tap\n3. wait',
    ],
    [
      '{% for s in facts.steps %}{{ loop.index0 }}{{ loop.first }}{{ loop.length }} {% endfor %}',
      '0true3 1false3 2false3 ',
    ],
    [
      '{% for row in facts.rows %}{% for s in facts.days %}{{ row.k }}{{ s }}{{ loop.index }} {% endfor %}{% endfor %}',
      'a31 a52 b31 b52 ',
    ],
    ['{% for s in [] %}x{% else %}empty{% endfor %}', 'empty'],
    ['{% for s in facts.steps -%}\n  {{ s }}\n{%- endfor %}', 'opentapwait'],
    ['{# a comment #}x', 'x'],
    ['{{ input.tags | sort | join(",") }} {{ (input.tags | sort)[0] }} {{ input.tags | reverse | first }}', 'a,b a a'],
    [
      '{{ input.name | title }} {{ input.name | capitalize }} {{ input.name | upper }} {{ "ABC" | lower }}',
      'Ana Maria Ana maria ANA MARIA abc',
    ],
    ['{{ "  x " | trim }}|{{ "a b c" | wordcount }}|{{ input.tags | length }}|{{ "abc" | length }}', 'x|3|2|3'],
    ['{{ "a-b-c" | replace("-", "+") }} {{ "a b&c" | urlencode }}', 'a+b+c a%20b%26c'],
    [
      '{{ 2.345 | round(2) }} {{ 2.5 | round }} {{ 2.1 | round(0, "ceil") }} {{ -3 | abs }} {{ facts.days | sum }}',
      '2.35 3 3 3 8',
    ],
    ['{{ "12.7" | int }} {{ "12.7" | float }} {{ "x" | int(0) }} {{ 3 | string }}', '12 12.7 0 3'],
    ['{{ "the quick brown fox" | truncate(10) }} {{ "abcdefgh" | truncate(4, true, "…") }}', 'the quick... abcd…'],
    ['{{ "a\nb" | indent(2) }}', 'a\n  b'],
    ['{{ facts.rows | dump }}', '[{"k":"a","v":1},{"k":"b","v":2}]'],
    ['{{ "it\\"s" }} {{ \'\\\\\' }}', 'it"s \\'],
    ['{{ "}}" }} {% if "%}" == "%}" %}x{% endif %}', '}} x'],
  ])('of %j gives %j', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it.each([
    '{{ input.missing }}',
    '{{ input.missing.deeper }}',
    '{{ input.missing | upper }}',
    '{{ input.missing == "x" }}',
    '{% for x in input.missing %}{% endfor %}',
    '{% for x in input.name %}{% endfor %}',
    '{% for x in input.deep %}{% endfor %}',
    '{{ input }}',
    '{{ input.tags }}',
    '{{ input.tags.length.x }}',
    '{{ input.name < 3 }}',
    '{{ 1 in 2 }}',
    '{{ input.n | upper }}',
    '{{ input.name | join }}',
    '{{ facts.rows | join }}',
    '{{ facts.rows | sort }}',
    '{{ input.toString }}',
    '{{ input.hasOwnProperty }}',
    '{{ input.name.length }}',
    '{{ input.name | truncate(input.name) }}',
    '{{ facts.days[7] }}',
  ])('of %j is refused, because it has no honest text', (source) => {
    expect(reasonOf(() => render(source))).toBe('OUTPUT_INVALID')
  })

  it.each([
    ['{% for a in facts.many %}{% for b in facts.many %}{{ b }}{% endfor %}{% endfor %}', {}],
    [`{% for a in facts.many %}${'x'.repeat(2_000)}{% endfor %}`, {}],
    ['{{ input.big | replace("a", input.big) }}', { input: { big: 'a'.repeat(100_000) } }],
    ['{{ input.big | indent(4096) }}', { input: { big: '\n'.repeat(10_000) } }],
    [
      '{% for a in facts.many %}{{ input.big | upper | lower | title | length }}{% endfor %}',
      { input: { big: 'a'.repeat(100_000) } },
    ],
    ['{% for a in input.list %}{% endfor %}', { input: { list: Array.from({ length: 1_001 }, () => 1) } }],
    [
      '{% for a in facts.many %}{% if input.big == input.big2 %}{% endif %}{% endfor %}',
      { input: { big: 'a'.repeat(900_000), big2: 'a'.repeat(900_000) } },
    ],
  ])('of %j stops at its budget', (source, context) => {
    const started = performance.now()
    expect(reasonOf(() => render(source, context))).toBe('BUDGET_EXCEEDED')
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('never runs a getter and never sees what is inherited', () => {
    let ran = 0
    const input = Object.defineProperty(Object.create({ inherited: 'x' }) as object, 'trap', {
      get: () => (ran += 1),
      enumerable: true,
    })
    expect(render('{{ input.trap | default("safe") }} {{ input.inherited | default("safe") }}', { input })).toBe(
      'safe safe',
    )
    expect(ran).toBe(0)
  })

  it('leaves what it was given unchanged', () => {
    const before = structuredClone(CONTEXT)
    render(
      '{{ facts.steps | reverse | join }}{{ facts.steps | sort | join }}{% for x in facts.steps %}{{ x }}{% endfor %}',
    )
    expect(CONTEXT).toEqual(before)
  })

  it('names the place of a fault, and never the value', () => {
    const secret = 'CANARY_5f1c'
    const run = () => render('a\n{{ input.secret < 3 }}', { input: { secret } })
    expect(run).toThrow(/^a\.j2:2:/)
    expect(run).not.toThrow(secret)
  })

  const fragment = fc.constantFrom(
    '{{ ',
    ' }}',
    '{% if ',
    '{% elif ',
    ' %}',
    '{% else %}',
    '{% endif %}',
    '{% for x in ',
    '{% endfor %}',
    'input',
    'facts',
    'x',
    'loop',
    '.',
    'days',
    'index',
    ' | ',
    'join',
    'default',
    'upper',
    'sort',
    '(',
    ')',
    '[',
    ']',
    '"a"',
    '1',
    ',',
    ' == ',
    ' and ',
    ' not ',
    ' in ',
    ' if ',
    ' else ',
    'text',
    '\n',
    '{#',
    '#}',
    '-',
  )
  const sources = fc.oneof(
    fc.array(fragment, { maxLength: 25 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 60, unit: 'grapheme' }).map((text) => `{{ ${text} }}`),
    fc.string({ maxLength: 60 }),
  )

  it('of any source and any data gives a text or a Fault, twice the same', () => {
    const outcome = (source: string, input: unknown): string => {
      try {
        const { text, steps } = renderTemplate(parseTemplate(source, 'a.j2'), { ...CONTEXT, input })
        return `${steps}:${text}`
      } catch (error) {
        if (error instanceof Fault) return `${error.reason}:${error.message}`
        throw error
      }
    }
    fc.assert(
      fc.property(sources, fc.jsonValue(), (source, input) => {
        expect(outcome(source, input)).toBe(outcome(source, input))
      }),
      { numRuns: 2_000, seed: 7 },
    )
  })
})
