import { Fault } from '../../schemas/fault.ts'

/** The reason with which a call was refused; `null` when it was not. Anything but a Fault is thrown on. */
export async function faultReason(call: () => unknown): Promise<string | null> {
  try {
    await call()
    return null
  } catch (error) {
    if (error instanceof Fault) return error.reason
    throw error
  }
}
