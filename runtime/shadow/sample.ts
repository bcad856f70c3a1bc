import { hash } from 'node:crypto'

const DIGITS = 8

/** Whether a request is among `percent` of 100: the same for the same id, wherever and whenever it is asked. */
export function isSampled(requestId: string, percent: number): boolean {
  const digits = hash('sha256', `contractor shadow v1\n${requestId}`, 'hex').slice(0, DIGITS)
  return Number.parseInt(digits, 16) / 16 ** DIGITS < percent / 100
}
