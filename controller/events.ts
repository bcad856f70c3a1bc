import type { Decision } from '../schemas/ledger/entry.ts'
import type { Reason } from '../schemas/reasons.ts'

/** What happens in a controller, as it is told to people and over `GET /v1/events`. */
export type ControllerEvent = { at: string } &
  /** An entry was written. */
  (
    | {
        type: 'live'
        seq: number
        oid: string
        source: string
        /** From the trigger to the moved ref. */
        ms: number
        decisions: ToldDecision[]
      }
    | { type: 'gates-started'; bundle: string }
    | {
        type: 'gates-finished'
        bundle: string
        version: string
        verdict: 'pass' | 'fail'
        passed: number
        ran: number
        ms: number
      }
    /** `live` had gone back behind what this controller wrote, and was put back. */
    | { type: 'restored'; seq: number; oid: string }
    /** Something failed; it is tried again. */
    | { type: 'fault'; reason_code: Reason; message: string }
  )

export type ToldDecision = Decision & {
  /** Gates that passed, of those that ran, for the bundle that it is about. */
  gates: { passed: number; ran: number } | null
}

/** `Omit` over each member of the union. */
export type NewEvent = ControllerEvent extends infer Event
  ? Event extends ControllerEvent
    ? Omit<Event, 'at'>
    : never
  : never

export type Events = {
  emit(event: NewEvent): void
  /** Answers how to stop listening. */
  subscribe(listener: (event: ControllerEvent) => void): () => void
}

export function openEvents(now: () => Date): Events {
  const listeners = new Set<(event: ControllerEvent) => void>()
  return {
    emit(event) {
      const told: ControllerEvent = { at: now().toISOString(), ...event }
      for (const listener of listeners) listener(told)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
