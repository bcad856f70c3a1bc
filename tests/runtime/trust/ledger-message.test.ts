import { describe, expect, it } from 'vitest'
import { formatLedgerMessage, parseLedgerMessage } from '../../../runtime/trust/ledger-message.ts'
import { faultReason } from '../../support/fault-reason.ts'

const said = {
  subject: 'promote acme/current faq 1.1.0 -> 1.2.0',
  registry: 'acme',
  seq: 42,
  epoch: 1,
  source: 'a'.repeat(40),
  entry: `sha256:${'b'.repeat(64)}`,
}
const text = formatLedgerMessage(said)

describe('the message of a ledger commit', () => {
  it('is read back as it was written', () => {
    expect(parseLedgerMessage(text, 'oid')).toEqual(said)
    expect(text).toBe(
      `promote acme/current faq 1.1.0 -> 1.2.0\n\nRegistry: acme\nSeq: 42\nEpoch: 1\nSource: ${said.source}\nEntry: ${said.entry}\n`,
    )
  })

  it('keeps a subject on one visible line, whatever people called things', () => {
    const subject = `a\nSeq: 1\r\u202e\u2028${'x'.repeat(500)}`
    const message = formatLedgerMessage({ ...said, subject })
    expect(message.split('\n')[0]).toMatch(/^a Seq: 1 x{80,100}$/)
    expect(parseLedgerMessage(message, 'oid').seq).toBe(42)
    expect(formatLedgerMessage({ ...said, subject: '\n' })).toContain('entry\n\n')
  })

  it.each([
    ['a line before the others', text.replace('Registry:', 'Seq: 7\nRegistry:')],
    ['a line after the others', `${text}Seq: 7\n`],
    ['lines in another order', text.replace('Seq: 42\nEpoch: 1', 'Epoch: 1\nSeq: 42')],
    ['a body', text.replace('\n\n', '\n\nSeq: 7\n\n')],
    ['no line feed at its end', text.trimEnd()],
    ['CR LF', text.replaceAll('\n', '\r\n')],
    ['a seq with a zero in front', text.replace('42', '042')],
    ['a negative seq', text.replace('42', '-1')],
    ['a seq that a number cannot hold', text.replace('42', '9007199254740993')],
    ['epoch 0', text.replace('Epoch: 1', 'Epoch: 0')],
    ['a registry that is no name', text.replace('acme\nSeq', 'ac me\nSeq')],
    ['a short source', text.replace(said.source, 'abc')],
    ['a digest of another kind', text.replace('sha256:', 'sha512:')],
    ['nothing', ''],
  ])('is refused with %s', async (_what, message) => {
    expect(await faultReason(() => parseLedgerMessage(message, 'oid'))).toBe('LEDGER_BROKEN')
  })
})
