import { describe, expect, it } from 'vitest'
import { signCheckpoint } from '../../../runtime/audit/checkpoint.ts'
import { signerFromSeed, signNote, verifierOf } from '../../../runtime/audit/note.ts'
import { openShadowNote, signShadowNote, type ShadowNote } from '../../../runtime/audit/shadow-note.ts'
import { addToTally, emptyTally } from '../../../runtime/audit/tally.ts'
import { aRecord } from '../../support/audit-record.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const signer = signerFromSeed('acme/node-1/0/0123456789abcdef', Buffer.alloc(32, 1))
const verifier = verifierOf(signer)
const [OLD, NEW] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]
const said: ShadowNote = {
  origin: signer.name,
  size: 40,
  counts: [{ tenant: 'acme', against: OLD, digest: NEW, agreed: 18, differed: 2 }],
}

describe('the signed counts of comparisons', () => {
  it('are what was signed', () => {
    expect(openShadowNote(signShadowNote(said, signer), verifier)).toEqual(said)
    expect(openShadowNote(signShadowNote({ ...said, counts: [] }, signer), verifier).counts).toEqual([])
  })

  it.each([
    ['other counts than those signed', signShadowNote(said, signer).replace(' 18 2\n', ' 99 0\n')],
    ['another signer', signShadowNote(said, signerFromSeed(signer.name, Buffer.alloc(32, 2)))],
    ['another log', signShadowNote({ ...said, origin: 'acme/node-2/0/0123456789abcdef' }, signer)],
    ['a checkpoint', signCheckpoint({ origin: signer.name, size: 40, root: Buffer.alloc(32) }, signer)],
    ['a line that counts nothing', signNote(`contractor shadow v1\n${signer.name}\n40\nacme 18 2\n`, signer)],
    ['a negative count', signNote(`contractor shadow v1\n${signer.name}\n40\nacme ${OLD} ${NEW} -1 0\n`, signer)],
    ['no note', 'nothing'],
  ])('are refused with %s', (_name, note) => {
    expect(thrownReason(() => openShadowNote(note, verifier))).toBe('UNTRUSTED')
  })

  it('forget the pairs that were compared longest ago', () => {
    const tally = emptyTally()
    const record = (tenant: string) =>
      aRecord({ phase: 'shadow', tenant, digest: NEW, against: OLD, reason_code: 'SHADOW_AGREED' })
    for (let at = 0; at < 512; at += 1) addToTally(tally, at, record(`t-${at}`))
    addToTally(tally, 512, record('t-0'))
    addToTally(tally, 513, record('t-512'))
    const tenants = [...tally.shadow.values()].map(({ tenant }) => tenant)
    expect([tenants.length, tenants.includes('t-0'), tenants.includes('t-1')]).toEqual([512, true, false])
    expect(tally.shadow.get(`t-0 ${OLD} ${NEW}`)).toMatchObject({ agreed: 2, differed: 0 })
  })
})
