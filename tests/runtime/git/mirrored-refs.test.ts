import { describe, expect, it } from 'vitest'
import { mirroredRefs } from '../../../runtime/git/mirrored-refs.ts'
import { Fault } from '../../../schemas/fault.ts'

const LIVE = 'refs/heads/live'
const TAGS = 'refs/tags/bundles/'
const TAG = `${TAGS}faq/1.0.0`
const [A, B] = ['a'.repeat(40), 'b'.repeat(40)]

function watched(refs: Map<string, string>) {
  const asked: string[] = []
  const listRefs = async (prefix: string) => {
    asked.push(prefix)
    if ([...refs.values()].includes('')) throw new Fault('REF_CORRUPT', 'torn')
    return new Map([...refs].filter(([ref]) => ref.startsWith(prefix)))
  }
  return { asked, mirrored: mirroredRefs({ listRefs }, [LIVE, TAGS]) }
}

describe('the refs of a mirror', () => {
  it('are read whole once, and then only its branches', async () => {
    const { asked, mirrored } = watched(
      new Map([
        [LIVE, A],
        [TAG, B],
      ]),
    )
    expect(await mirrored.read()).toMatchObject({ isWhole: true })
    asked.length = 0
    const again = await mirrored.read()
    expect(again).toEqual({
      refs: new Map([
        [TAG, B],
        [LIVE, A],
      ]),
      isWhole: false,
    })
    expect(asked).toEqual([LIVE])
  })

  it('are what they were moved to, and gone where they were removed', async () => {
    const { mirrored } = watched(new Map([[TAG, A]]))
    await mirrored.read()
    mirrored.moved([{ ref: TAG, old: A, new: B }])
    expect((await mirrored.read())?.refs).toEqual(new Map([[TAG, B]]))
    mirrored.moved([{ ref: TAG, old: B, new: null }])
    expect((await mirrored.read())?.refs).toEqual(new Map())
  })

  it('are read whole again once something was not as remembered', async () => {
    const { asked, mirrored } = watched(new Map([[TAG, A]]))
    await mirrored.read()
    mirrored.forget()
    asked.length = 0
    expect(await mirrored.read()).toMatchObject({ isWhole: true })
    expect(asked).toContain(TAGS)
  })

  it('are nothing when one of them is torn', async () => {
    const refs = new Map([[LIVE, '']])
    const { mirrored } = watched(refs)
    expect(await mirrored.read()).toBe(null)
    refs.set(LIVE, A)
    expect(await mirrored.read()).toMatchObject({ isWhole: true })
  })
})
