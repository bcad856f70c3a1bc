import { describe, expect, it } from 'vitest'
import { popped, pushed, rollbackLevel } from '../../../runtime/trust/alias-stack.ts'

const ref = (version: string) => ({ bundle: 'faq', version, digest: `sha256:${version}` })
const level = (version: string, seq: number, until: string | null) => ({ ...ref(version), seq, until })
const stack = [
  level('1', 1, '2026-01-01T00:00:00Z'),
  level('2', 2, '2026-01-20T00:00:00Z'),
  level('1', 3, '2026-01-25T00:00:00Z'),
  level('3', 4, null),
]
const today = new Date('2026-02-01T00:00:00Z')

describe('the stack of an alias', () => {
  it('grows by a promotion, and the level below ends then', () => {
    const first = pushed([], { ref: ref('1'), seq: 1, since: 'monday' })
    expect(first).toEqual([level('1', 1, null)])
    expect(pushed(first, { ref: ref('2'), seq: 2, since: 'tuesday' })).toEqual([
      level('1', 1, 'tuesday'),
      level('2', 2, null),
    ])
  })

  it('goes back to the newest level of a digest, and all above it is gone', () => {
    const found = rollbackLevel(stack, 'sha256:1', today, 'P30D')!
    expect(found.seq).toBe(3)
    expect(popped(stack, found)).toEqual([...stack.slice(0, 2), level('1', 3, null)])
  })

  it.each([
    ['what it holds now', 'sha256:3', 'P30D'],
    ['what it never held', 'sha256:4', 'P30D'],
    ['what it left too long ago', 'sha256:2', 'P7D'],
  ])('does not go back to %s', (_, digest, within) => {
    expect(rollbackLevel(stack, digest, today, within)).toBeNull()
  })
})
