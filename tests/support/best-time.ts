/** Milliseconds of the fastest of some runs: what the code needs, whatever else the machine is doing. */
export function bestMs(run: () => unknown, runs = 7): number {
  const times = Array.from({ length: runs }, () => {
    const started = performance.now()
    run()
    return performance.now() - started
  })
  return Math.min(...times)
}
