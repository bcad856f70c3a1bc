import { afterEach, describe, expect, it } from 'vitest'
import { openLanes, type Lanes } from '../../../controller/gates/lanes.ts'
import type { GateOutcome, GateRequest } from '../../../controller/gates/judge-bundle.ts'
import { openSandbox, SANDBOX_LIMITS, type Sandbox } from '../../../controller/gates/sandbox.ts'
import { faq, RULES } from '../../support/scaffold.ts'

const request: GateRequest = { files: faq(), name: 'faq', rules: RULES, sealed: [], previous: null }

let lanes: Lanes | null = null
afterEach(async () => lanes?.stop())

describe('the lanes of judgements', () => {
  it('judges what may wait with the same outcome as what may not', async () => {
    lanes = realLanes(4)
    const first = await lanes.first.judge(request)
    const later = await lanes.later.run((judge) => judge(request))
    expect(later.report).toEqual(first.report)
  })

  it('does not begin a later judgement while a promotion judges', async () => {
    const { order, first, later } = scripted()
    const promotion = first.begin()
    const run = lanes!.later.run((judge) => judge(request))
    await settled()
    expect(order).toEqual(['first begins'])
    first.end()
    await promotion
    await settled()
    expect(order).toEqual(['first begins', 'first ends', 'later begins'])
    later.end()
    await run
  })

  it('kills a later judgement when a promotion has one, and begins it again after', async () => {
    const { order, first, later } = scripted()
    const run = lanes!.later.run((judge) => judge(request))
    await settled()
    const promotion = first.begin()
    await settled()
    expect(order).toEqual(['later begins', 'later is killed', 'first begins'])
    first.end()
    await promotion
    await settled()
    later.end()
    expect((await run).report.verdict).toBe('pass')
    expect(order).toEqual([
      'later begins',
      'later is killed',
      'first begins',
      'first ends',
      'later begins',
      'later ends',
    ])
  })

  it('refuses what is over the room, and goes on with what waits', async () => {
    const { later } = scripted()
    const runs = [0, 1, 2].map(() => lanes!.later.run((judge) => judge(request)))
    await expect(lanes!.later.run((judge) => judge(request))).rejects.toMatchObject({ reason: 'GATES_BUSY' })
    for (const run of runs) {
      await settled()
      later.end()
      expect((await run).report.verdict).toBe('pass')
    }
  })

  it('goes on with the next where the work of one turn fails', async () => {
    lanes = realLanes(4)
    const failing = lanes.later.run(async () => {
      throw new Error('disk')
    })
    const next = lanes.later.run((judge) => judge(request))
    await expect(failing).rejects.toThrow('disk')
    expect((await next).report.verdict).toBe('pass')
  })

  it('drops what waits when it stops, and leaves nothing running', async () => {
    scripted()
    const runs = [0, 1].map(() => lanes!.later.run((judge) => judge(request)))
    const refusals = Promise.allSettled(runs)
    await settled()
    await lanes!.stop()
    expect(
      (await refusals).map((one) => one.status === 'rejected' && (one.reason as { reason: string }).reason),
    ).toEqual(['DRAINING', 'DRAINING'])
    await expect(lanes!.later.run((judge) => judge(request))).rejects.toMatchObject({ reason: 'DRAINING' })
  })
})

function realLanes(room: number): Lanes {
  return openLanes({ first: openSandbox(), openLater: () => openSandbox(SANDBOX_LIMITS, 'low'), room })
}

/** What needs no time of its own has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Lanes over sandboxes that end when they are told to, and what happened in them. */
function scripted() {
  const order: string[] = []
  const first = scriptedSandbox('first', order)
  const later = { end: () => {} }
  const openLater = () => {
    const { sandbox, end } = scriptedSandbox('later', order)
    later.end = end
    return sandbox
  }
  lanes = openLanes({ first: first.sandbox, openLater, room: 2 })
  const opened = lanes
  return { order, first: { begin: () => opened.first.judge(request), end: first.end }, later }
}

function scriptedSandbox(name: string, order: string[]) {
  let finish: ((outcome: GateOutcome) => void) | null = null
  const end = (verdict: 'pass' | 'fail', how: string) => {
    if (finish === null) return
    order.push(`${name} ${how}`)
    finish({ report: { verdict } as GateOutcome['report'], sealed: null })
    finish = null
  }
  const sandbox: Sandbox = {
    judge() {
      order.push(`${name} begins`)
      return new Promise((resolve) => (finish = resolve))
    },
    judgeValues: async () => [],
    stop: async () => end('fail', 'is killed'),
  }
  return { sandbox, end: () => end('pass', 'ends') }
}
