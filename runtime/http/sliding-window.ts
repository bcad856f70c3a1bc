const FIRST_SLOTS = 16

/**
 * Counts events of the last `windowMs` milliseconds, to the millisecond: an event counts until exactly `windowMs` after
 * it. Events of one millisecond share a slot, so that a window never takes more than `windowMs` slots of 8 bytes.
 * Times are milliseconds of a clock that never goes back.
 */
export class SlidingWindow {
  readonly #windowMs: number
  #times = new Uint32Array(FIRST_SLOTS)
  #counts = new Uint32Array(FIRST_SLOTS)
  #head = 0
  #slots = 0
  #total = 0
  #last = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** How many events count at `nowMs`. */
  count(nowMs: number): number {
    const now = this.#advance(nowMs)
    while (this.#slots > 0 && (this.#times[this.#head] as number) + this.#windowMs <= now) {
      this.#total -= this.#counts[this.#head] as number
      this.#head = (this.#head + 1) % this.#times.length
      this.#slots -= 1
    }
    return this.#total
  }

  add(nowMs: number): void {
    const now = this.#advance(nowMs)
    const last = (this.#head + this.#slots - 1) % this.#times.length
    if (this.#slots > 0 && this.#times[last] === now) {
      this.#counts[last] = (this.#counts[last] as number) + 1
    } else {
      if (this.#slots === this.#times.length) this.#grow()
      const slot = (this.#head + this.#slots) % this.#times.length
      this.#times[slot] = now
      this.#counts[slot] = 1
      this.#slots += 1
    }
    this.#total += 1
  }

  /** Milliseconds from `nowMs` until fewer than `limit` events count; 0 when that is so now. */
  waitMs(limit: number, nowMs: number): number {
    let over = this.count(nowMs) - limit + 1
    if (over <= 0) return 0
    for (let at = 0; at < this.#slots; at += 1) {
      const slot = (this.#head + at) % this.#times.length
      over -= this.#counts[slot] as number
      if (over <= 0) return (this.#times[slot] as number) + this.#windowMs - this.#last
    }
    return this.#windowMs
  }

  #advance(nowMs: number): number {
    this.#last = Math.max(this.#last, Math.floor(nowMs))
    return this.#last
  }

  #grow(): void {
    const times = new Uint32Array(this.#times.length * 2)
    const counts = new Uint32Array(times.length)
    for (let at = 0; at < this.#slots; at += 1) {
      const slot = (this.#head + at) % this.#times.length
      times[at] = this.#times[slot] as number
      counts[at] = this.#counts[slot] as number
    }
    this.#times = times
    this.#counts = counts
    this.#head = 0
  }
}
