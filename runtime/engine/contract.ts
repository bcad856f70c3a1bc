import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import { compilePattern } from './pattern.ts'
import { FORMATS } from './schema/formats.ts'
import type { Pointer } from './schema/keywords.ts'
import { checkReferences } from './schema/references.ts'
import { checkShape } from './schema/shape.ts'
import { violationOf, type Violation } from './schema/violation.ts'

/** What breaks the contract, or nothing. Stops at the first violation, so that hostile data costs no more than good data. */
export type Contract = (value: unknown) => Violation[]

/**
 * Everything that is wrong with an entity schema, a JSON Schema 2020-12 of the keywords that `schema/keywords.ts`
 * allows. `at` gives the place of a pointer in the file at `path`.
 */
export function checkEntitySchema(
  schema: object,
  path: string,
  at: (pointer: (string | number)[]) => { line: number; column: number },
): Finding[] {
  const findings: Finding[] = []
  const report = (pointer: Pointer, message: string, hint: string) => {
    findings.push({
      gate: 'entities',
      code: 'ENTITY_INVALID',
      severity: 'error',
      path,
      ...at([...pointer]),
      message,
      hint,
    })
  }
  checkShape(schema, report)
  if (findings.length === 0) checkReferences(schema, report)
  if (findings.length === 0) {
    const problem = compileProblem(schema)
    if (problem !== null)
      report([], problem, 'Write "type" beside the keywords that need one, and define what is required.')
  }
  return findings
}

/** @throws Fault `ENTITY_INVALID` */
export function compileContract(schema: object): Contract {
  return compileContracts(new Map([['entity', schema]])).get('entity')!
}

/**
 * The contracts of one bundle, by name of the entity, in one validator of their own: schemas never see each other,
 * and everything is given back with the bundle.
 * @throws Fault `ENTITY_INVALID` when a schema is not allowed.
 */
export function compileContracts(schemas: ReadonlyMap<string, object>): ReadonlyMap<string, Contract> {
  const ajv = createValidator()
  return new Map([...schemas].map(([name, schema]) => [name, contractOf(ajv, name, schema)]))
}

function contractOf(ajv: Ajv2020, name: string, schema: object): Contract {
  const refuse = (_pointer: Pointer, message: string) => {
    throw new Fault('ENTITY_INVALID', `entity ${name}: ${message}`)
  }
  checkShape(schema, refuse)
  checkReferences(schema, refuse)
  const validate = compileWith(ajv, schema)
  if (typeof validate === 'string') throw new Fault('ENTITY_INVALID', `entity ${name}: ${validate}`)
  return (value) => {
    if (validate(value)) return []
    return (validate.errors ?? []).map((error) => violationOf(error, schema))
  }
}

function compileProblem(schema: object): string | null {
  const compiled = compileWith(createValidator(), schema)
  return typeof compiled === 'string' ? compiled : null
}

function compileWith(ajv: Ajv2020, schema: object): ValidateFunction | string {
  try {
    return ajv.compile(schema)
  } catch (error) {
    return `The schema is not strict: ${error instanceof Error ? error.message : 'it cannot be compiled'}.`
  }
}

/** Meta-schemas stay out: `checkShape` has already checked more than they do, and they take longer than the schemas. */
function createValidator(): Ajv2020 {
  return new Ajv2020({
    strict: true,
    strictSchema: true,
    strictTypes: true,
    strictRequired: true,
    allErrors: false,
    ownProperties: true,
    $data: false,
    coerceTypes: false,
    useDefaults: false,
    removeAdditional: false,
    validateFormats: true,
    addUsedSchema: false,
    loopRequired: 64,
    meta: false,
    validateSchema: false,
    logger: false,
    formats: FORMATS,
    code: { regExp: linearRegExp },
  })
}

const linearRegExp = Object.assign(
  (source: string) => {
    const compiled = compilePattern(source)
    if (typeof compiled === 'string') throw new Fault('ENTITY_INVALID', `The pattern ${compiled}.`)
    return { test: (text: string) => compiled.re.test(text) }
  },
  { code: 'linearRegExp' },
)
