import { describe, expect, it } from 'vitest'
import { signCheckpoint } from '../../../runtime/audit/checkpoint.ts'
import { cosign, formatWitness, openCosignature, parseWitness } from '../../../runtime/audit/cosignature.ts'
import { EMPTY_ROOT } from '../../../runtime/audit/merkle.ts'
import { formatVerifier, openNote, signerFromSeed, verifierOf } from '../../../runtime/audit/note.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const log = signerFromSeed('acme/node-1/0/0123456789abcdef', Buffer.alloc(32, 1))
const witness = signerFromSeed('acme/witness', Buffer.alloc(32, 2))
const key = verifierOf(witness)
const note = signCheckpoint({ origin: log.name, size: 7, root: EMPTY_ROOT }, log)

describe('a cosignature', () => {
  it('says when the witness saw the checkpoint, and leaves the signature of the log alone', () => {
    const cosigned = cosign(note, witness, 1_785_585_600)
    expect(openCosignature(cosigned, key)).toBe(1_785_585_600)
    expect(openNote(cosigned, verifierOf(log))).toBe(openNote(note, verifierOf(log)))
    expect(cosigned.startsWith(note)).toBe(true)
  })

  it('is refused over another checkpoint, at another time, or of another witness', () => {
    const cosigned = cosign(note, witness, 1_785_585_600)
    const other = verifierOf(signerFromSeed('acme/witness', Buffer.alloc(32, 3)))
    const line = cosigned.slice(note.length)
    const body = Buffer.from(line.split(' ')[2]!, 'base64')
    body.writeBigUInt64BE(1_785_585_601n, 4)
    const later = `${note}— ${witness.name} ${body.toString('base64')}\n`
    for (const [text, verifier] of [
      [cosigned.replace('\n7\n', '\n8\n'), key],
      [cosigned, other],
      [later, key],
      [note, key],
    ] as const)
      expect(thrownReason(() => openCosignature(text, verifier))).toBe('UNTRUSTED')
  })

  it('has a verifier key of its own kind, which is not that of a log', () => {
    expect(parseWitness(formatWitness(key))).toEqual(key)
    for (const text of [formatVerifier(key), 'x', formatWitness(key).replace('acme', 'globex')])
      expect(thrownReason(() => parseWitness(text))).toBe('UNTRUSTED')
  })
})
