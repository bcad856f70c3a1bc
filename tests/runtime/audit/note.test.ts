import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openCheckpoint, signCheckpoint } from '../../../runtime/audit/checkpoint.ts'
import {
  formatVerifier,
  openNote,
  parseVerifier,
  signerFromSeed,
  signNote,
  verifierOf,
} from '../../../runtime/audit/note.ts'
import { faultReason } from '../../support/fault-reason.ts'

// The example of the signed-note format.
const VERIFIER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const SIGNATURE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

describe('a signed note', () => {
  it('opens with the published example key', () => {
    expect(openNote(`${TEXT}\n${SIGNATURE}`, parseVerifier(VERIFIER))).toBe(TEXT)
  })

  it('does not open when a byte of the text differs', async () => {
    const note = `${TEXT.replace('answer', 'Answer')}\n${SIGNATURE}`
    expect(await faultReason(() => openNote(note, parseVerifier(VERIFIER)))).toBe('UNTRUSTED')
  })

  it('opens with a key whose published form was read back, and with no other', async () => {
    const signer = signerFromSeed('acme/node-1/0/log', randomBytes(32))
    const note = signNote('text\n', signer)
    expect(openNote(note, parseVerifier(formatVerifier(verifierOf(signer))))).toBe('text\n')
    const other = signerFromSeed('acme/node-1/0/log', randomBytes(32))
    expect(await faultReason(() => openNote(note, verifierOf(other)))).toBe('UNTRUSTED')
  })

  it.each(['', 'x+00000000+AQ==', VERIFIER.replace('c74f', 'c74e')])('takes "%s" for no verifier key', async (text) => {
    expect(await faultReason(() => parseVerifier(text))).toBe('UNTRUSTED')
  })
})

describe('a checkpoint', () => {
  const signer = signerFromSeed('acme/node-1/0/log', randomBytes(32))
  const checkpoint = { origin: 'acme/node-1/0/log', size: 12, root: randomBytes(32) }

  it('opens to what was signed', () => {
    const note = signCheckpoint(checkpoint, signer)
    expect(openCheckpoint(note, checkpoint.origin, verifierOf(signer))).toEqual(checkpoint)
  })

  it('is refused for the log of another origin', async () => {
    const note = signCheckpoint(checkpoint, signer)
    expect(await faultReason(() => openCheckpoint(note, 'acme/node-2/0/log', verifierOf(signer)))).toBe('UNTRUSTED')
  })

  it.each(['acme/node-1/0/log\n012\nAAAA\n', 'acme/node-1/0/log\n12\nAAAA\n', 'acme/node-1/0/log\n'])(
    'is not any text that the key signed',
    async (text) => {
      const note = signNote(text, signer)
      expect(await faultReason(() => openCheckpoint(note, checkpoint.origin, verifierOf(signer)))).toBe('UNTRUSTED')
    },
  )
})
