import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is accepted; the last answer is in the error where that takes too long. */
export async function eventually<T>(
  ask: () => Promise<T>,
  accept: (answer: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const ends = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (accept(answer)) return answer
    if (performance.now() > ends) throw new Error(`not within ${timeoutMs} ms; last: ${JSON.stringify(answer)}`)
    await sleep(20)
  }
}
