import { describe, expect, it } from 'vitest'
import { formatCommit, parseCommit, signedCommit } from '../../../runtime/git/commit-object.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { AUTHOR, git, temporaryDirectory } from '../../support/raw-git.ts'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'

const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const PARENT = 'c'.repeat(40)
const ARMOUR = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\nAAAA\n-----END SSH SIGNATURE-----\n'
const PERSON = 'a <a@x> 1 +0000'

function raw({ author = PERSON, committer = PERSON, extra = '', message = 'x\n' } = {}): Buffer {
  return Buffer.from(`tree ${TREE}\nauthor ${author}\ncommitter ${committer}\n${extra}\n${message}`)
}

describe('parseCommit', () => {
  it('gives the payload that was signed, byte for byte', () => {
    const payload = formatCommit({
      tree: TREE,
      parents: [PARENT],
      author: AUTHOR,
      committer: AUTHOR,
      message: 'promote\n\nSeq: 1\n',
    })
    const commit = parseCommit(signedCommit(payload, ARMOUR))
    expect(commit.payload.equals(payload)).toBe(true)
    expect(commit).toMatchObject({
      signature: ARMOUR,
      parents: [PARENT],
      author: AUTHOR,
      message: 'promote\n\nSeq: 1\n',
      extraHeaders: [],
    })
  })

  it('reads a commit that stock git signed, with a payload that ssh-keygen verifies', () => {
    const directory = temporaryDirectory()
    const key = join(directory, 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    git(directory, 'init', '-q', '.')
    git(
      directory,
      '-c',
      'gpg.format=ssh',
      '-c',
      `user.signingkey=${key}`,
      'commit',
      '-q',
      '-S',
      '--allow-empty',
      '-m',
      'signed',
    )
    const { payload, signature } = parseCommit(
      Buffer.from(execFileSync('git', ['-C', directory, 'cat-file', 'commit', 'HEAD'])),
    )
    writeFileSync(join(directory, 'sig'), signature ?? '')
    const checked = execFileSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', 'git', '-s', join(directory, 'sig')], {
      input: payload,
    })
    expect(checked.toString()).toMatch(/^Good "git" signature/)
  })

  it('keeps to the raw bytes where a message pretends to end a signature (D11)', () => {
    const message = 'x\n-----END PGP SIGNATURE-----\nforged\n'
    const payload = raw({ message })
    expect(parseCommit(signedCommit(payload, ARMOUR)).payload.equals(payload)).toBe(true)
  })

  it.each([
    ['a'],
    ['a <a@x>'],
    ['a <a@x> 1 zzz'],
    ['a <a@x> 99999999999999999999 +0000'],
    ['a <a@x> 1 +9999'],
    ['a <a@x> -1 +0000'],
    ['a <a@x> 01 +0000'],
    ['a <a<b@x> 1 +0000'],
    ['a <a@x> 1 +0000 '],
    ['<a@x> 1 +0000'],
  ])('refuses the author %j (A18, A19)', async (author) => {
    expect(await faultReason(() => parseCommit(raw({ author })))).toBe('OBJECT_CORRUPT')
    expect(await faultReason(() => parseCommit(raw({ committer: author })))).toBe('OBJECT_CORRUPT')
  })

  it.each([
    ['two signatures (D10)', raw({ extra: 'gpgsig a\n b\ngpgsig c\n d\n' })],
    ['a signature over a SHA-256 commit (D10)', raw({ extra: 'gpgsig-sha256 a\n b\n' })],
    ['a second author', raw({ extra: `author ${PERSON}\n` })],
    ['a second tree', raw({ extra: `tree ${TREE}\n` })],
    ['a parent behind the committer', raw({ extra: `parent ${PARENT}\n` })],
    ['a header that is none', raw({ extra: '<script>\n' })],
    ['a carriage return in a header (A21)', Buffer.from(raw().toString().replace('+0000\n', '+0000\r\n'))],
    ['a NUL byte', raw({ message: 'a\0b' })],
    ['text that is not UTF-8 (A21)', Buffer.concat([raw(), Buffer.from([0xff])])],
    ['no empty line', Buffer.from(`tree ${TREE}\nauthor ${PERSON}\ncommitter ${PERSON}\n`)],
    ['no tree', Buffer.from(`author ${PERSON}\ncommitter ${PERSON}\n\nx`)],
    ['a short tree', Buffer.from(raw().toString().replace(TREE, TREE.slice(1)))],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', async (_, bytes) => {
    expect(await faultReason(() => parseCommit(bytes))).toBe('OBJECT_CORRUPT')
  })

  it('names the headers that a ledger commit may not have', () => {
    const commit = parseCommit(raw({ extra: 'encoding ISO-8859-1\nmergetag object x\n type commit\n' }))
    expect(commit.extraHeaders).toEqual(['encoding', 'mergetag'])
  })
})

it('refuses to format a commit that it would not read', async () => {
  const author = { ...AUTHOR, name: 'a\nparent b' }
  const format = () => formatCommit({ tree: TREE, parents: [], author, committer: AUTHOR, message: 'x' })
  expect(await faultReason(format)).toBe('OBJECT_CORRUPT')
})
