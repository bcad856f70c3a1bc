import { Fault } from '../../../schemas/fault.ts'
import type { Finding } from '../../../schemas/finding.ts'
import type { Place } from './syntax.ts'

/** @throws Fault `TEMPLATE_INVALID` always, with one finding of the gate `templates`. */
export function refuse(path: string, { line, column }: Place, message: string, hint: string): never {
  const finding: Finding = {
    gate: 'templates',
    code: 'TEMPLATE_INVALID',
    severity: 'error',
    path,
    line,
    column,
    message,
    hint,
  }
  throw new Fault('TEMPLATE_INVALID', `${path}:${line}:${column}: ${message}`, { findings: [finding] })
}
