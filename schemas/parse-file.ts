import type { Document, Pointer, Problem, Reading } from './document.ts'
import { Fault } from './fault.ts'
import type { Finding } from './finding.ts'
import { validatorOf, type SchemaName } from './json-schema.ts'
import type { Limits } from './limits.ts'
import type { Reason } from './reasons.ts'
import { safeJson } from './safe-json.ts'
import { safeYaml } from './safe-yaml.ts'
import { schemaProblems } from './schema-problems.ts'

/** Says that something is wrong at a place of the file at hand; the severity is `error` unless said otherwise. */
export type Report = (pointer: Pointer, message: string, hint: string, part?: 'key' | 'value') => void

/** How files of one kind are read. */
export type FileKind<Written, Value = Written> = {
  schema: SchemaName
  format: 'yaml' | 'json'
  limits: Limits
  /** Of its findings. */
  gate: string
  code: Reason
  /** Reports what a JSON Schema cannot say. Called only for files that have their shape. */
  check?: (written: Written, report: Report) => void
  /** Fills in, explicitly, what may be left out. */
  complete: (written: Written) => Value
}

/** `value` is null exactly when `findings` has an error. */
export type ParsedFile<Value> = { value: Value | null; findings: Finding[]; at: Document['at'] }

const MOST_FINDINGS = 50
/** Above this many values only the first error of a shape is looked for. */
const MANY_VALUES = 120_000

/** Bytes of a file into a value of its type, or findings with their places. Never throws for what the bytes hold. */
export function parseFile<Written, Value>(
  kind: FileKind<Written, Value>,
  bytes: Uint8Array,
  path: string,
): ParsedFile<Value> {
  const reading = kind.format === 'yaml' ? safeYaml(bytes, kind.limits) : safeJson(bytes, kind.limits)
  if (reading.document === null) {
    return { value: null, findings: findingsOf(reading, kind.gate, path), at: () => ({ line: 1, column: 1 }) }
  }
  const { value: written, at } = reading.document
  const findings: Finding[] = []
  const report: Report = (pointer, message, hint, part = 'value') => {
    const { gate, code } = kind
    findings.push({ gate, code, severity: 'error', path, ...at(pointer, part), message, hint })
  }
  if (hasShape(kind.schema, written, reading.document.nodes, report)) kind.check?.(written as Written, report)
  else if (findings.length === 0) throw new TypeError(`${kind.schema}: refused without a finding`)
  return { value: findings.length === 0 ? kind.complete(written as Written) : null, findings: capped(findings), at }
}

/** Findings of a file that could not be read at all. */
export function findingsOf(reading: Reading, gate: string, path: string): Finding[] {
  return reading.problems.map(({ code, line, column, message, hint }: Problem) => {
    return { gate, code, severity: 'error', path, line, column, message, hint }
  })
}

/** The same for what must be right: a machine wrote it. @throws Fault with the code of `kind` and all findings */
export function parseOrThrow<Written, Value>(kind: FileKind<Written, Value>, bytes: Uint8Array, path: string): Value {
  const { value, findings } = parseFile(kind, bytes, path)
  if (value !== null) return value
  const [first] = findings
  const place = first === undefined ? path : `${path}:${first.line}:${first.column}: ${first.message}`
  throw new Fault(kind.code, place, { findings })
}

function hasShape(schema: SchemaName, value: unknown, nodes: number, report: Report): boolean {
  const validate = validatorOf(schema, nodes > MANY_VALUES ? 'first' : 'every')
  if (validate(value)) return true
  for (const { pointer, message, hint, part } of schemaProblems(validate.errors ?? [], MOST_FINDINGS + 1)) {
    report(pointer, message, hint, part)
  }
  return false
}

function capped(findings: Finding[]): Finding[] {
  const sorted = findings.sort((a, b) => a.line - b.line || a.column - b.column)
  const last = sorted[MOST_FINDINGS - 1]
  if (last === undefined || sorted.length === MOST_FINDINGS) return sorted
  const more = { ...last, message: 'more is wrong from here on', hint: 'Correct what is named first.' }
  return [...sorted.slice(0, MOST_FINDINGS - 1), more]
}
