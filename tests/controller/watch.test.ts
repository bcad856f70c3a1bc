import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startWatch, type Watch, type WatchDeps } from '../../controller/watch.ts'
import { eventually } from '../support/eventually.ts'

describe('a watch', () => {
  let gitdir: string
  let watch: Watch | null = null
  let looks: number
  let faults: unknown[]

  beforeEach(async () => {
    gitdir = await mkdtemp(join(tmpdir(), 'watch-'))
    await mkdir(join(gitdir, 'refs', 'heads'), { recursive: true })
    looks = 0
    faults = []
  })
  afterEach(async () => {
    await watch?.stop()
    await rm(gitdir, { recursive: true })
  })

  function start(rest: Partial<WatchDeps> = {}): Watch {
    watch = startWatch({
      repository: { kind: 'local', gitdir },
      look: async () => {
        looks += 1
      },
      pollIntervalMs: 3_600_000,
      monotonicMs: () => performance.now(),
      now: () => new Date(),
      onFault: (error) => faults.push(error),
      ...rest,
    })
    return watch
  }

  const atLeast = (count: number) =>
    eventually(
      async () => looks,
      (found) => found >= count,
    )

  it('looks when it is asked to, and answers when that look has ended', async () => {
    await start().trigger()
    expect(looks).toBe(1)
  })

  it('makes one look of many triggers, and never two at once', async () => {
    let inside = 0
    let most = 0
    const slow = start({
      look: async () => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setImmediate(resolve))
        looks += 1
        inside -= 1
      },
    })
    await Promise.all(Array.from({ length: 50 }, () => slow.trigger()))
    expect(looks).toBe(1)
    expect(most).toBe(1)
  })

  it('looks once more for a trigger that came while it looked', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const busy = start({
      look: async () => {
        looks += 1
        if (looks === 1) await held
      },
    })
    const first = busy.trigger()
    await atLeast(1)
    const second = busy.trigger()
    release()
    await Promise.all([first, second])
    expect(looks).toBe(2)
  })

  it('looks when a branch moves as git moves it', async () => {
    const path = join(gitdir, 'refs', 'heads', 'main')
    await writeFile(path, 'a')
    await start({ pollIntervalMs: 3_600_000 }).trigger()
    const before = looks
    // The watcher needs a moment to stand: moves go on until one was seen.
    await eventually(
      async () => {
        await writeFile(`${path}.lock`, String(Math.random()))
        await rename(`${path}.lock`, path)
        return looks
      },
      (found) => found > before,
    )
  })

  it('looks by itself from time to time, where no event comes', async () => {
    start({ pollIntervalMs: 20, repository: { kind: 'remote', gitdir } })
    await atLeast(3)
  })

  it('wakes when a wait ends', async () => {
    start().wakeAt(new Date(Date.now() + 20))
    await atLeast(1)
  })

  it('tells a failed look, and goes on', async () => {
    const failing = start({
      look: async () => {
        looks += 1
        if (looks === 1) throw new Error('no disk')
      },
    })
    await failing.trigger()
    expect(faults).toHaveLength(1)
    await failing.trigger()
    expect(looks).toBe(2)
  })

  it('looks no more once it is stopped', async () => {
    const stopped = start()
    await stopped.stop()
    await stopped.trigger()
    expect(looks).toBe(0)
  })
})
