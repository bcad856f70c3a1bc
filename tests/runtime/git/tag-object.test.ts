import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatTag, parseTag, signedTag } from '../../../runtime/git/tag-object.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { AUTHOR, git, temporaryDirectory } from '../../support/raw-git.ts'

const OBJECT = 'd'.repeat(40)
const ARMOUR = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n'
const TAG = {
  object: OBJECT,
  type: 'commit' as const,
  tag: 'bundles/faq/1.2.0',
  tagger: AUTHOR,
  message: 'faq 1.2.0\n',
}

describe('parseTag', () => {
  it('gives back what was formatted and signed', () => {
    const payload = formatTag(TAG)
    const tag = parseTag(signedTag(payload, ARMOUR))
    expect(tag).toMatchObject({ ...TAG, signature: ARMOUR })
    expect(tag.payload.equals(payload)).toBe(true)
  })

  it('reads a tag that stock git signed, with a payload that ssh-keygen verifies', () => {
    const directory = temporaryDirectory()
    const key = join(directory, 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    git(directory, 'init', '-q', '.')
    git(directory, 'commit', '-q', '--allow-empty', '-m', 'x')
    git(directory, '-c', 'gpg.format=ssh', '-c', `user.signingkey=${key}`, 'tag', '-s', '-m', 'v1', 'v1')
    const { payload, signature, tag } = parseTag(
      Buffer.from(execFileSync('git', ['-C', directory, 'cat-file', 'tag', 'v1'])),
    )
    writeFileSync(join(directory, 'sig'), signature ?? '')
    execFileSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', 'git', '-s', join(directory, 'sig')], {
      input: payload,
    })
    expect(tag).toBe('v1')
  })

  it.each([
    ['two signatures', Buffer.concat([signedTag(formatTag(TAG), ARMOUR), Buffer.from(ARMOUR)])],
    ['a header too many', Buffer.from(formatTag(TAG).toString().replace('\n\n', '\nencoding x\n\n'))],
    [
      'no tagger',
      Buffer.from(
        formatTag(TAG)
          .toString()
          .replace(/tagger .*\n/, ''),
      ),
    ],
    ['an unknown type', Buffer.from(formatTag(TAG).toString().replace('type commit', 'type thing'))],
    [
      'headers in another order',
      Buffer.from(
        formatTag(TAG)
          .toString()
          .replace(/^(object .*\n)(type .*\n)/, '$2$1'),
      ),
    ],
  ])('refuses %s', async (_, bytes) => {
    expect(await faultReason(() => parseTag(bytes))).toBe('OBJECT_CORRUPT')
  })
})
