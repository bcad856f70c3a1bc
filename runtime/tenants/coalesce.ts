/**
 * Runs one at a time. A call while one runs gets the next, and all calls in that time share it: whoever waits knows
 * that a whole run began after the call.
 */
export function coalesce(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  function begin(): Promise<void> {
    next = null
    running = run().finally(() => (running = null))
    return running
  }
  return () => {
    if (running === null) return begin()
    next ??= running.then(begin, begin)
    return next
  }
}
