import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  nodeHash,
  rootAt,
} from '../../../runtime/audit/merkle.ts'
import type { NodeReader } from '../../../runtime/audit/merkle.ts'
import { isConsistent, rootFromInclusion } from '../../../runtime/audit/proof.ts'

// The leaves and roots that the Certificate Transparency reference implementations publish.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

function nodesOf(leaves: Buffer[]): NodeReader {
  const node = (level: number, index: number): Buffer =>
    level === 0 ? (leaves[index] as Buffer) : nodeHash(node(level - 1, index * 2), node(level - 1, index * 2 + 1))
  return ({ level, index }) => Promise.resolve(node(level, index))
}

/** RFC 6962 section 2.1, word for word. */
function definedRoot(leaves: Buffer[]): Buffer {
  if (leaves.length === 0) return EMPTY_ROOT
  if (leaves.length === 1) return leaves[0] as Buffer
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)))
}

const numbered = (size: number) => Array.from({ length: size }, (_, at) => leafHash(Buffer.from(String(at))))

describe('the tree of RFC 6962', () => {
  it('has the hash of nothing as the root of an empty log', async () => {
    const expected = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    expect((await rootAt(0, nodesOf([]))).toString('hex')).toBe(expected)
  })

  it.each(ROOTS.map((root, at) => [at + 1, root] as const))(
    'has the published root for %i leaves',
    async (size, root) => {
      const leaves = LEAVES.map((leaf) => leafHash(Buffer.from(leaf, 'hex')))
      expect((await rootAt(size, nodesOf(leaves))).toString('hex')).toBe(root)
    },
  )

  it('has the root that the definition gives, for any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 300 }), async (size) => {
        const leaves = numbered(size)
        expect(await rootAt(size, nodesOf(leaves))).toEqual(definedRoot(leaves))
      }),
      { numRuns: 60 },
    )
  })
})

describe('proofs', () => {
  it('show for any leaf that the log includes it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.nat(), async (size, seed) => {
        const leaves = numbered(size)
        const index = seed % size
        const path = await inclusionProof(index, size, nodesOf(leaves))
        expect(rootFromInclusion(index, size, leaves[index] as Buffer, path)).toEqual(definedRoot(leaves))
        const other = leafHash(Buffer.from('other'))
        expect(rootFromInclusion(index, size, other, path)).not.toEqual(definedRoot(leaves))
      }),
      { numRuns: 60 },
    )
  })

  it('show for any two sizes that the longer log extends the shorter one, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 200 }), async (a, b) => {
        const [old, size] = [Math.min(a, b), Math.max(a, b)]
        const leaves = numbered(size)
        const before = { size: old, root: definedRoot(leaves.slice(0, old)) }
        const now = { size, root: definedRoot(leaves) }
        const path = await consistencyProof(old, size, nodesOf(leaves))
        expect(isConsistent(before, now, path)).toBe(true)
        if (old > 0) expect(isConsistent({ ...before, root: leafHash(Buffer.from('x')) }, now, path)).toBe(false)
        if (path.length > 0) expect(isConsistent(before, now, path.slice(1))).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})
