import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { styleFile } from '../../../controller/cli/fmt.ts'
import { styleJson } from '../../../controller/cli/formats/json-style.ts'
import { styleYaml } from '../../../controller/cli/formats/yaml-style.ts'
import { readExample } from '../../../controller/cli/up/example.ts'
import { safeYaml } from '../../../schemas/safe-yaml.ts'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'

const MESSY = `# top

a:    [ 1,2 ,{ b: [ ] }]   # why
list:
- x
-   y: "1"
    z: |
        kept
          as it is


last: one
  two
`
const NEAT = `# top

a: [1, 2, { b: [] }] # why
list:
  - x
  - y: "1"
    z: |
      kept
        as it is

last: one two
`

describe('YAML in one style', () => {
  it('keeps comments, blank lines, quotes and block texts', () => {
    expect(styleYaml(MESSY)).toBe(NEAT)
  })

  it.each(['a: [\n  1,\n  2 # x\n]\n', '# only a comment\n', 'a: {}\n', 'a: "[ x ]"\n', "[ 'a', [ b ] ]\n"])(
    'is the same when it is styled again: %j',
    (text) => {
      expect(styleYaml(styleYaml(text))).toBe(styleYaml(text))
    },
  )

  it('says the same as before, whatever it holds', () => {
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.string({ minLength: 1 }), tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tree),
        fc.integer({ min: 1, max: 4 }),
        (value, indent) => {
          const text = stringify(value, { indent, collectionStyle: indent > 2 ? 'flow' : 'any', lineWidth: 40 })
          fc.pre(safeYaml(Buffer.from(text)).document !== null)
          const styled = styleFile('a.yaml', Buffer.from(text))
          expect(styled).toHaveProperty('text')
          const again = 'text' in styled ? styled.text : ''
          expect(styleFile('a.yaml', Buffer.from(again))).toEqual(styled)
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('JSON in one style', () => {
  it('stays on one line where it was on one line, and spreads where its author spread it', () => {
    expect(styleJson('{"a":[1,2],\n"b":{\n"c":"\\u00e9",  "d":1.50}}')).toBe(
      '{\n  "a": [1, 2],\n  "b": {\n    "c": "\\u00e9",\n    "d": 1.50\n  }\n}\n',
    )
  })

  it('says the same as before and changes no more, whatever it holds', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, 4, '\t'), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent)
        const styled = styleJson(text)
        expect(JSON.parse(styled)).toEqual(JSON.parse(text))
        expect(styleJson(styled)).toBe(styled)
      }),
      { numRuns: 200 },
    )
  })
})

describe('contractor fmt', () => {
  let clone: AuthorClone
  beforeAll(async () => {
    clone = await openAuthorClone()
  }, 60_000)
  afterAll(() => clone.close())

  it('has nothing to change in the example registry', async () => {
    for (const [path, body] of (await readExample()).tip)
      if (/^(?:registry|governance|bundles|tenants).*\.(?:yaml|json)$/.test(path))
        expect({ path, ...styleFile(path, body) }).toEqual({ path, text: body.toString() })
  })

  it('formats what is not sealed, and leaves a sealed bundle its bytes', async () => {
    await clone.write({ 'tenants/acme/tenant.yaml': 'status:   active\n' })
    expect((await clone.run('fmt', [], { check: true, json: true })).code).toBe(1)
    const { code, out } = await clone.run('fmt', [], { json: true })
    expect(code).toBe(0)
    const { changed } = JSON.parse(out) as { changed: string[] }
    expect(changed).toContain('tenants/acme/tenant.yaml')
    expect(changed.filter((path) => path.startsWith('bundles/'))).toEqual([])
    expect(await readFile(join(clone.root, 'tenants/acme/tenant.yaml'), 'utf8')).toBe('status: active\n')
    expect((await clone.run('fmt', [], { check: true })).code).toBe(0)
  })

  it('formats a sealed bundle where it is named', async () => {
    const { code, out } = await clone.run('fmt', ['bundles/faq'], { check: true, json: true })
    expect(code).toBe((JSON.parse(out) as { changed: string[] }).changed.length > 0 ? 1 : 0)
  })

  it('refuses files that the registry refuses, and paths that are not there', async () => {
    await clone.write({ 'tenants/acme/keys.yaml': 'keys: &a []\n' })
    expect(await clone.run('fmt', [], { json: true })).toMatchObject({
      code: 1,
      out: expect.stringContaining('YAML_INVALID') as string,
    })
    expect((await clone.run('fmt', ['nowhere'])).code).toBe(2)
  })
})
