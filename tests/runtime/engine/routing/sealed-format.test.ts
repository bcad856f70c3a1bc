import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { assert, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRouter } from '../../../../runtime/engine/routing/compile.ts'
import { loadRouter } from '../../../../runtime/engine/routing/router.ts'
import { decodeRouter, encodeRouter } from '../../../../runtime/engine/routing/sealed-format.ts'
import { STEMMER_LIBRARY } from '../../../../runtime/engine/routing/stemmer.ts'
import { Fault } from '../../../../schemas/fault.ts'
import { bank } from './ontologies.ts'

const bytes = compileRouter(bank())
const DIGEST_BYTES = 32

/** Bytes with a right digest, as somebody who can write bundles could make them. */
function sealed(body: Buffer): Buffer {
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

function reasonOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error.reason
    throw error
  }
  return 'none'
}

describe('a sealed router', () => {
  it('is the same bytes whatever the order of intents, utterances and synonyms', () => {
    const synonyms = [
      { canonical: 'card', variants: ['plastic', 'visa'] },
      { canonical: 'branch', variants: ['agency', 'office'] },
    ]
    const out_of_scope = { utterances: ['sing a song', 'tell a joke'] }
    const ontology = bank({ synonyms, out_of_scope })
    const turned = bank({
      synonyms: synonyms.map((each) => ({ ...each, variants: each.variants.toReversed() })).toReversed(),
      out_of_scope: { utterances: out_of_scope.utterances.toReversed() },
      intents: ontology.intents
        .map((intent) => ({ ...intent, utterances: intent.utterances.toReversed() }))
        .toReversed(),
    })
    expect(compileRouter(turned).equals(compileRouter(ontology))).toBe(true)
  })

  it('is the same bytes on every machine and Node version', () => {
    const digest = createHash('sha256').update(bytes).digest('hex')
    expect(digest).toBe('8b983aa81027c7d13fe226fe8c3ae98ff87fefecce68b2cecdd738b7e9a3f61e')
  })

  it('is what it was after decoding and encoding', () => {
    expect(encodeRouter(decodeRouter(bytes)).equals(bytes)).toBe(true)
  })

  it('is refused when it is cut anywhere, with a right digest or without', () => {
    for (let length = 0; length < bytes.length; length += 97) {
      expect(reasonOf(() => loadRouter(bytes.subarray(0, length)))).toBe('BUNDLE_UNVERIFIED')
    }
    const body = bytes.subarray(0, bytes.length - DIGEST_BYTES)
    for (let length = 0; length < body.length; length += 97) {
      expect(reasonOf(() => loadRouter(sealed(body.subarray(0, length))))).not.toBe('none')
    }
  })

  it('is refused when a byte changed', () => {
    const changed = Buffer.from(bytes)
    changed[200] = (changed[200] as number) ^ 1
    expect(reasonOf(() => loadRouter(changed))).toBe('BUNDLE_UNVERIFIED')
  })

  it('with any byte forged under a right digest is refused or routes, and never crashes', () => {
    const body = bytes.subarray(0, bytes.length - DIGEST_BYTES)
    assert(
      property(nat(body.length - 1), nat(255), (at, value) => {
        const forged = Buffer.from(body)
        forged[at] = value
        const reason = reasonOf(() => loadRouter(sealed(forged)).explain('when will my card arrive'))
        expect(['none', 'BUNDLE_UNVERIFIED', 'INCOMPATIBLE_RUNTIME']).toContain(reason)
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  it('that claims more than it has is refused before memory is reserved for it', () => {
    const start = bytes.indexOf('\nyou\nyour') // inside the vocabulary, which the features follow
    const forged = Buffer.concat([bytes.subarray(0, start), Buffer.alloc(64, 0xff)])
    expect(reasonOf(() => loadRouter(sealed(forged)))).toBe('BUNDLE_UNVERIFIED')
  })

  it('names the installed version of the stemmers', () => {
    const require = createRequire(import.meta.url)
    const main = require.resolve('@orama/stemmers/english')
    const folder = main.slice(0, main.lastIndexOf('dist'))
    const { version } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as { version: string }
    expect(STEMMER_LIBRARY).toBe(`@orama/stemmers ${version}`)
  })

  it('of other stemmers asks for another Runtime', () => {
    const body = bytes.subarray(0, bytes.length - DIGEST_BYTES)
    const at = body.indexOf(STEMMER_LIBRARY)
    const other = Buffer.from(body)
    other[at + STEMMER_LIBRARY.length - 1] = '9'.charCodeAt(0)
    expect(reasonOf(() => loadRouter(sealed(other)))).toBe('INCOMPATIBLE_RUNTIME')
  })

  it('of a language without spaces asks for the Unicode version that it was compiled with', () => {
    const ontology = bank({ language: 'zh', normalization: { fold_accents: false, stemmer: 'none' } })
    const chinese = compileRouter(ontology)
    const version = process.versions['unicode'] ?? ''
    expect(reasonOf(() => loadRouter(chinese))).toBe('none')
    const body = Buffer.from(chinese.subarray(0, chinese.length - DIGEST_BYTES))
    body[body.indexOf(version)] = '9'.charCodeAt(0)
    expect(reasonOf(() => loadRouter(sealed(body)))).toBe('INCOMPATIBLE_RUNTIME')
    expect(bytes.includes(version)).toBe(false)
  })

  it('is not compiled with a stemmer that does not exist', () => {
    const ontology = bank({ normalization: { fold_accents: true, stemmer: 'klingon' } })
    expect(reasonOf(() => compileRouter(ontology))).toBe('ONTOLOGY_INVALID')
  })
})
