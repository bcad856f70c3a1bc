import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filesDigest } from '../../../runtime/bundle/digest.ts'
import { changedFiles, formatStateFile, sha256Hex, stateRoot, tenantPath } from '../../../runtime/trust/state-files.ts'

describe('the state root', () => {
  it('has the format of a bundle digest, after any changes', () => {
    const path = fc.constantFrom('a', 'a.json', 'a/b', 'a-b', 'tenants/0a/x.json', 'tenants/0a/xy.json', 'é', 'z')
    const change = fc.dictionary(path, fc.option(fc.string({ maxLength: 4 })), { maxKeys: 4, noNullPrototype: true })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const contents = new Map<string, Buffer>()
        let files: ReadonlyMap<string, string> = new Map()
        for (const each of changes) {
          const bytes = new Map(
            Object.entries(each).map(([name, text]) => [name, text === null ? null : Buffer.from(text)]),
          )
          for (const [name, body] of bytes) {
            if (body === null) contents.delete(name)
            else contents.set(name, body)
          }
          files = changedFiles(files, bytes)
          expect(stateRoot(files)).toBe(`sha256:${filesDigest(contents)}`)
        }
      }),
    )
  })
})

describe('a state file', () => {
  it('is JSON of two spaces with a line feed at its end', () => {
    expect(formatStateFile({ a: [1] }).toString()).toBe('{\n  "a": [\n    1\n  ]\n}\n')
  })

  it('of a tenant stands in a folder of its hash', () => {
    expect(tenantPath('acme')).toBe(`tenants/${sha256Hex('acme').slice(0, 2)}/acme.json`)
  })
})
