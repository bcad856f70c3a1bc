import { Fault } from '../../schemas/fault.ts'

/** The reason with which a synchronous call was refused; `null` when it was not. Anything but a Fault is thrown on. */
export function thrownReason(call: () => unknown): string | null {
  try {
    call()
    return null
  } catch (error) {
    if (error instanceof Fault) return error.reason
    throw error
  }
}
