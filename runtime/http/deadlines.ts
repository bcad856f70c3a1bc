const CHECK_EVERY_MS = 50

/** Something that must end before a time; `expire` is called once when it did not. */
export type Deadline = { atMs: number; expire: () => void }

export type Deadlines = { add(deadline: Deadline): void; remove(deadline: Deadline): void }

/** Watches deadlines with one timer for all of them, to within 50 ms: a timer for each request would cost more. */
export function createDeadlines(monotonicMs: () => number): Deadlines {
  const running = new Set<Deadline>()
  let timer: NodeJS.Timeout | null = null

  function check(): void {
    const now = monotonicMs()
    for (const deadline of running) {
      if (deadline.atMs > now) continue
      running.delete(deadline)
      deadline.expire()
    }
    if (running.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  return {
    add(deadline) {
      running.add(deadline)
      if (timer !== null) return
      timer = setInterval(check, CHECK_EVERY_MS)
      timer.unref()
    },
    remove: (deadline) => void running.delete(deadline),
  }
}
