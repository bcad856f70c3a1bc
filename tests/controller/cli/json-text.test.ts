import { describe, expect, it } from 'vitest'
import { appendItem, replaceValue } from '../../../controller/cli/bundle/json-text.ts'

const WIDE = `{
    "suite": "golden",
    "cases": [
        { "name": "a", "expect": { "output": { "answer": "one \\"]} two" } } },
        {
            "name": "b",
            "expect": { "output": [1, 2] }
        }
    ]
}
`

describe('a value in the text of a JSON file', () => {
  it('is replaced on its line, as the file writes objects on one line', () => {
    expect(replaceValue(WIDE, ['cases', 0, 'expect', 'output'], { answer: 'two', more: [1, { a: null }] })).toBe(
      WIDE.replace('{ "answer": "one \\"]} two" }', '{ "answer": "two", "more": [1, { "a": null }] }'),
    )
  })

  it('is replaced over lines, indented as the file is', () => {
    const text = WIDE.replace('[1, 2]', '[\n                1\n            ]')
    const changed = replaceValue(text, ['cases', 1, 'expect', 'output'], { answer: 'x' })
    expect(changed).toContain('"output": {\n                "answer": "x"\n            } }')
    expect(JSON.parse(changed)).toMatchObject({ cases: [{}, { expect: { output: { answer: 'x' } } }] })
  })

  it('is replaced without spaces where the file has none', () => {
    expect(replaceValue('{"a":{"b":1},"c":2}', ['a'], { b: 'x', d: [] })).toBe('{"a":{"b":"x","d":[]},"c":2}')
  })

  it.each(['"text"', '-1.5e3', 'true', 'null', '[]', '{}', '[[], {"a": "]"}]'])(
    'is %s and ends where it ends',
    (value) => {
      expect(replaceValue(`{ "before": 1, "a": ${value} , "after": ["]"] }`, ['a'], 0)).toBe(
        '{ "before": 1, "a": 0 , "after": ["]"] }',
      )
    },
  )
})

describe('an item at the end of an array', () => {
  it('is written as the item before it', () => {
    const changed = appendItem(WIDE, ['cases'], { name: 'c', expect: {} })
    expect(changed).toBe(
      WIDE.replace(
        '        }\n    ]',
        '        },\n        {\n            "name": "c",\n            "expect": {}\n        }\n    ]',
      ),
    )
  })

  it.each([
    ['[ 1, 2 ]', '[ 1, 2, 3 ]'],
    ['{"a":[]}', '{"a":[\n  3\n]}'],
  ])('%s', (text, after) => {
    expect(appendItem(text, text.startsWith('{') ? ['a'] : [], 3)).toBe(after)
  })
})
