/** Says when something costly may be tried again: at first soon, then after twice the time, up to a maximum. */
export function retryBackoff(firstMs: number, maxMs: number): { due(): boolean; attempted(): void } {
  let pauseMs = firstMs
  let next = 0
  return {
    due: () => performance.now() >= next,
    attempted() {
      next = performance.now() + pauseMs
      pauseMs = Math.min(pauseMs * 2, maxMs)
    },
  }
}
