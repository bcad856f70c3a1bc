import { join } from 'node:path'
import { watch as watchFiles } from 'chokidar'
import type { Repository } from '../runtime/git/repository.ts'

/** A branch that moves is looked at after this; more moves in between are one look. */
const DEBOUNCE_MS = 5
const RETRY_MS = 2_000
/** Branches that this process itself moves all the time. */
const OWN = /(?:heartbeat|reports|gate-runs|audit|\.lock)$/

export type Watch = {
  /** Something may have changed: look soon. Answers when a look that began after now has ended. */
  trigger: () => Promise<void>
  /** Look at this time, if nothing else happens before. */
  wakeAt(at: Date | null): void
  /** Waits for the look that runs. */
  stop(): Promise<void>
}

export type WatchDeps = {
  repository: Pick<Repository, 'kind' | 'gitdir'>
  /** One look; never two at once. A failed look is repeated. */
  look: (since: number) => Promise<void>
  pollIntervalMs: number
  /** A clock that never goes back. */
  monotonicMs: () => number
  now: () => Date
  onFault: (error: unknown) => void
}

/** Turns file events, an interval and calls into looks, one after another. Events are only ever a hint: each look reads everything that matters. */
export function startWatch({ repository, look, pollIntervalMs, monotonicMs, now, onFault }: WatchDeps): Watch {
  let running: Promise<void> | null = null
  let wanted: { since: number; done: PromiseWithResolvers } | null = null
  let debounce: NodeJS.Timeout | null = null
  let wake: NodeJS.Timeout | null = null
  let stopped = false

  function ask(): Promise<void> {
    if (stopped) return Promise.resolve()
    wanted ??= { since: monotonicMs(), done: withResolvers() }
    const { promise } = wanted.done
    if (running === null) debounce ??= setTimeout(run, DEBOUNCE_MS)
    return promise
  }

  function run(): void {
    debounce = null
    const asked = wanted
    wanted = null
    if (asked === null || stopped) {
      asked?.done.resolve()
      return
    }
    running = look(asked.since)
      .catch((error: unknown) => {
        onFault(error)
        if (!stopped) setTimeout(() => void ask(), RETRY_MS).unref()
      })
      .finally(() => {
        running = null
        asked.done.resolve()
        if (wanted !== null) run()
      })
  }

  const files = repository.kind === 'local' ? watchRefs(repository.gitdir, () => void ask(), onFault) : null
  const interval = setInterval(() => void ask(), pollIntervalMs)
  return {
    trigger: ask,
    wakeAt(at) {
      if (wake !== null) clearTimeout(wake)
      const inMs = at === null ? null : Math.min(Math.max(at.getTime() - now().getTime(), 0) + 10, 2 ** 31 - 1)
      wake = inMs === null || stopped ? null : setTimeout(() => void ask(), inMs)
    },
    async stop() {
      stopped = true
      clearInterval(interval)
      for (const timer of [debounce, wake]) if (timer !== null) clearTimeout(timer)
      wanted?.done.resolve()
      await files?.close()
      await running
    },
  }
}

function watchRefs(gitdir: string, onMove: () => void, onFault: (error: unknown) => void) {
  const paths = [join(gitdir, 'refs', 'heads'), join(gitdir, 'packed-refs')]
  return watchFiles(paths, { ignoreInitial: true, followSymlinks: false, atomic: false, depth: 0 })
    .on('all', (_event, path) => {
      if (!OWN.test(path)) onMove()
    })
    .on('error', onFault)
}

type PromiseWithResolvers = { promise: Promise<void>; resolve: () => void }

function withResolvers(): PromiseWithResolvers {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
