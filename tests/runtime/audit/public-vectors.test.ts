import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { cosign } from '../../../runtime/audit/cosignature.ts'
import { consistencyProof, inclusionProof, leafHash, nodeHash, type NodeReader } from '../../../runtime/audit/merkle.ts'
import { parseVerifier, signerFromSeed, SPKI_PREFIX, verifierOf } from '../../../runtime/audit/note.ts'
import { isConsistent, rootFromInclusion } from '../../../runtime/audit/proof.ts'
import { entriesPath, tilePath, tileWidth } from '../../../runtime/audit/tiles.ts'
import { parseTlogProof } from '../../../runtime/audit/tlog-proof.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const base64 = (text: string) => Buffer.from(text, 'base64')

// The tree of eight leaves of the Certificate Transparency reference implementations, and its published proofs.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (leaf) => leafHash(Buffer.from(leaf, 'hex')),
)
const ROOT_OF_1 = base64('bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=')
const ROOT_OF_8 = base64('XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=')
const PATH_OF_0 = [
  'lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=',
  'Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=',
  'a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=',
].map(base64)

const node = (level: number, index: number): Buffer =>
  level === 0 ? (LEAVES[index] as Buffer) : nodeHash(node(level - 1, index * 2), node(level - 1, index * 2 + 1))
const nodes: NodeReader = ({ level, index }) => Promise.resolve(node(level, index))

describe('the published proofs of RFC 6962', () => {
  it('are those that we make', async () => {
    expect(await inclusionProof(0, 8, nodes)).toEqual(PATH_OF_0)
    expect(await consistencyProof(1, 8, nodes)).toEqual(PATH_OF_0)
  })

  it('lead to the published roots', () => {
    expect(LEAVES[0]).toEqual(ROOT_OF_1)
    expect(rootFromInclusion(0, 8, LEAVES[0] as Buffer, PATH_OF_0)).toEqual(ROOT_OF_8)
    expect(isConsistent({ size: 1, root: ROOT_OF_1 }, { size: 8, root: ROOT_OF_8 }, PATH_OF_0)).toBe(true)
  })

  // The ways in which the reference vectors break a proof.
  const flipped = (at: number) =>
    PATH_OF_0.map((hash, index) =>
      index === at ? Buffer.from(hash.map((byte, bit) => (bit === 0 ? byte ^ 16 : byte))) : hash,
    )
  it.each([
    ['a changed first hash', flipped(0)],
    ['a changed second hash', flipped(1)],
    ['a changed third hash', flipped(2)],
    ['no hash', []],
    ['a hash too few', PATH_OF_0.slice(0, 2)],
    ['garbage behind', [...PATH_OF_0, Buffer.alloc(32)]],
    ['the root behind', [...PATH_OF_0, ROOT_OF_8]],
    ['garbage in front', [Buffer.alloc(32), ...PATH_OF_0]],
    ['the root in front', [ROOT_OF_1, ...PATH_OF_0]],
  ])('prove nothing with %s', (_name, path) => {
    expect(isConsistent({ size: 1, root: ROOT_OF_1 }, { size: 8, root: ROOT_OF_8 }, path)).toBe(false)
    expect(rootFromInclusion(0, 8, LEAVES[0] as Buffer, path)?.equals(ROOT_OF_8) ?? false).toBe(false)
  })

  it.each([
    [1, 8],
    [-1, 8],
    [0, 16],
    [0, 4],
    [8, 8],
  ])('prove nothing of leaf %i in a tree of %i', (index, size) => {
    expect(rootFromInclusion(index, size, LEAVES[0] as Buffer, PATH_OF_0)?.equals(ROOT_OF_8) ?? false).toBe(false)
  })
})

describe('the examples of C2SP tlog-tiles', () => {
  it('names the tile 1234067 of level 0, whole and partial', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 0, index: 1_234_067, width: 8 })).toBe('tile/0/x001/x234/067.p/8')
    expect(entriesPath(1_234_067, 256)).toBe('tile/entries/x001/x234/067')
  })

  it('divides a tree of 70,000 leaves into 273 full tiles and partial ones of 112, 17 and 1', () => {
    const size = 70_000
    expect([tileWidth(0, 272, size), tileWidth(0, 273, size), tileWidth(0, 274, size)]).toEqual([256, 112, 0])
    expect([tileWidth(1, 0, size), tileWidth(1, 1, size)]).toEqual([256, 17])
    expect([tileWidth(2, 0, size), tileWidth(3, 0, size)]).toEqual([1, 0])
  })
})

describe('the examples of C2SP notes', () => {
  it('has the key ids of keys that are in use', () => {
    // The Go checksum database, and the example of the format.
    for (const key of [
      'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
      'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    ])
      expect(parseVerifier(key).name).toBe(key.split('+')[0])
  })

  it('signs as a witness the message that tlog-cosignature spells out', () => {
    const body = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
    const message = `cosignature/v1\ntime 1679315147\n${body}`
    const witness = signerFromSeed('example.com/witness', Buffer.alloc(32, 7))
    const note = `${body}\n— example.com/behind-the-sofa AAAAAAAA\n`
    const line = cosign(note, witness, 1_679_315_147).slice(note.length)
    const bytes = base64(line.trim().split(' ')[2] ?? '')
    const spki = Buffer.concat([SPKI_PREFIX, verifierOf(witness).publicKey])
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    expect(bytes.readBigUInt64BE(4)).toBe(1_679_315_147n)
    expect(verify(null, Buffer.from(message), key, bytes.subarray(12))).toBe(true)
  })

  it.each([
    'wrong-header\nindex 0\n\ncheckpoint\n',
    'c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n',
    'c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n',
    'c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n',
    'c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n',
    `c2sp.org/tlog-proof@v1\nindex 0\n${Buffer.alloc(64).toString('base64')}\n\ncheckpoint\n`,
  ])('takes %j for no proof', (text) => {
    expect(thrownReason(() => parseTlogProof(text))).toBe('UNTRUSTED')
  })
})
