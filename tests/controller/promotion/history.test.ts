import { beforeEach, describe, expect, it } from 'vitest'
import { readAuthorship } from '../../../controller/promotion/authors.ts'
import { observeMain } from '../../../controller/promotion/observe-main.ts'
import { formatCommit, signedCommit } from '../../../runtime/git/commit-object.ts'
import { patchTree } from '../../../runtime/git/tree-files.ts'
import { memoryObjects, type MemoryObjects } from '../../support/memory-objects.ts'
import { makePeople } from '../../support/plan-world.ts'

describe('the history of main', () => {
  let objects: MemoryObjects
  let time = 0
  beforeEach(() => {
    objects = memoryObjects()
  })

  async function commit(
    parents: string[],
    text: string,
    { by = 'ana@acme.example', message = 'x\n', path = 'bundles/faq/a' } = {},
  ): Promise<{ oid: string; raw: Buffer }> {
    const tree = await patchTree(objects, null, new Map([[path, Buffer.from(text)]]))
    time += 1
    const person = { name: 'x', email: by, timestamp: time, timezone: '+0000' }
    const raw = formatCommit({ tree, parents, author: person, committer: person, message })
    return { oid: await objects.write('commit', raw), raw }
  }
  const line = async (parents: string[], text: string) => (await commit(parents, text)).oid

  it('covers the first parents between what was judged and the tip, and not what was merged', async () => {
    const judged = await line([], '0')
    const a = await line([judged], '1')
    const side = await line([judged], 'side')
    const b = await line([a, side], '2')
    const tip = await line([b], '3')
    expect(await observeMain(objects, tip, judged, null)).toEqual({ kind: 'descends', tip, covers: [a, b] })
    expect(await observeMain(objects, a, judged, null)).toEqual({ kind: 'descends', tip: a, covers: [] })
    expect(await observeMain(objects, judged, judged, null)).toEqual({ kind: 'descends', tip: judged, covers: [] })
  })

  it('goes on where what was judged was merged from the side', async () => {
    const root = await line([], '0')
    const judged = await line([root], 'judged')
    const other = await line([root], 'other')
    const tip = await line([other, judged], 'merge')
    expect(await observeMain(objects, tip, judged, null)).toEqual({ kind: 'descends', tip, covers: [other] })
  })

  it('was rewritten where the tip does not descend, and an acceptance counts only for what it descends from', async () => {
    const root = await line([], '0')
    const judged = await line([root], 'judged')
    const other = await line([root], 'other')
    const tip = await line([other], 'tip')
    const stranger = await line([], 'stranger')
    const file = { principal: 'ben', signature: 's' }
    const governance = {
      approvals: new Map([
        [other, [file]],
        [stranger, [file]],
        ['abababababab', [file]],
      ]),
    }
    expect(await observeMain(objects, tip, judged, governance as never)).toEqual({
      kind: 'rewritten',
      tip,
      acceptances: [{ commit: other, approvals: [file] }],
    })
  })

  it('names every author, co-author and signer of a bundle since its last seal', async () => {
    const { ben } = await makePeople()
    const root = await commit([], '0', { by: 'first@acme.example' })
    const sealed = await commit([root.oid], '1', { by: 'second@acme.example' })
    const elsewhere = await commit([sealed.oid], '1', { by: 'other@acme.example', path: 'bundles/faq/a' })
    const pair = await commit([elsewhere.oid], '2', {
      by: 'third@acme.example',
      message: 'x\n\nCo-authored-by: Fourth <fourth@acme.example>\nco-authored-by: Fifth <fifth@acme.example>\n',
    })
    const signed = await commit([pair.oid], '3', { by: 'sixth@acme.example' })
    const tip = await objects.write('commit', signedCommit(signed.raw, await ben.sign(signed.raw, 'git')))
    expect(await readAuthorship(objects, 'faq', tip, sealed.oid)).toEqual({
      emails: ['sixth@acme.example', 'third@acme.example', 'fourth@acme.example', 'fifth@acme.example'],
      keys: [ben.publicKey],
    })
    const all = await readAuthorship(objects, 'faq', tip, null)
    expect(all.emails).toEqual(expect.arrayContaining(['first@acme.example', 'second@acme.example']))
    expect(all.emails).not.toContain('other@acme.example')
  })
})
