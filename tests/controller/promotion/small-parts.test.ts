import { describe, expect, it } from 'vitest'
import { mapAuthors } from '../../../controller/promotion/authors.ts'
import { subjectLine } from '../../../controller/promotion/subject-line.ts'
import { tellable } from '../../../controller/promotion/tellable.ts'
import { allowed, refused } from '../../../controller/promotion/verdicts.ts'

const ref = (version: string) => ({ bundle: 'faq', version, digest: `sha256:${version}` })

describe('the subject of an entry', () => {
  const promote = allowed('acme/current', 'PROMOTED', { kind: 'promote', from: ref('1.1.0'), to: ref('1.2.0') })
  const seal = allowed('bundles/faq/1.2.0', 'SEALED', { kind: 'seal', to: ref('1.2.0') })
  const deny = refused('acme/current', 'APPROVAL_MISSING', '', { from: ref('1.1.0'), to: ref('1.3.0') })

  it.each([
    [[promote], 'promote acme/current faq 1.1.0 -> 1.2.0'],
    [[seal, promote], 'promote acme/current faq 1.1.0 -> 1.2.0 (+1 more)'],
    [[deny, seal], 'seal faq 1.2.0 (+1 more)'],
    [[deny], 'refuse acme/current faq 1.1.0 -> 1.3.0: APPROVAL_MISSING'],
    [[{ ...promote, from: null }], 'promote acme/current faq 1.2.0'],
    [[{ ...promote, to: { ...ref('2.0.0'), bundle: 'bank' } }], 'promote acme/current faq 1.1.0 -> bank 2.0.0'],
    [[{ ...deny, decision: 'wait' as const, to: null }], 'hold acme/current: APPROVAL_MISSING'],
    [[allowed('tenants/acme', 'CHANGED', { kind: 'change' })], 'change tenants/acme'],
    [[], 'no decisions'],
  ])('of %j is %s', (decisions, line) => {
    expect(subjectLine(decisions)).toBe(line)
  })
})

describe('the authors of a bundle', () => {
  const roles = {
    principals: [
      { id: 'ana', name: 'Ana', emails: ['ana@acme.example', 'ana@home.example'] },
      { id: 'ben', name: 'Ben', emails: ['ben@acme.example'] },
    ],
    roles: [],
  }
  const signers = [
    { principal: 'ben', namespaces: ['git'], validAfter: null, validBefore: null, key: 'ssh-ed25519 BEN' },
  ]

  it('are principals, each once, by any address, and by the keys that signed', () => {
    const authorship = {
      emails: ['ANA@acme.example', 'ana@home.example'],
      keys: ['ssh-ed25519 BEN', 'ssh-ed25519 OTHER'],
    }
    expect(mapAuthors('ana', authorship, roles, signers, new Date())).toEqual(['ana', 'ben'])
  })

  it('stay e-mail addresses where nobody has them', () => {
    const authorship = { emails: ['who@example.org'], keys: [] }
    expect(mapAuthors('zoe', authorship, roles, signers, new Date())).toEqual(['who@example.org', 'zoe'])
  })
})

describe('text of strangers', () => {
  it.each([
    ['a\nb', 'a b'],
    ['a\u202eb\u2028c\0', 'a\ufffdb\ufffdc\ufffd'],
    ['\ud800', '\ufffd'],
    ['card 💳', 'card 💳'],
  ])('%j is told as %j', (text, told) => {
    expect(tellable(text, 100)).toBe(told)
  })

  it('is cut between characters', () => {
    expect(tellable('💳'.repeat(10), 4)).toBe('💳💳💳…')
  })
})
