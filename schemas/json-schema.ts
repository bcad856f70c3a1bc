import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { durationMs } from './duration.ts'
import { PACKAGE_ROOT } from './package-root.ts'
import { isTimestamp } from './timestamp.ts'

/** Where a JSON Schema stands: `registry/alias` is `schemas/registry/alias.schema.json`. */
export type SchemaName = `${'registry' | 'ledger' | 'http' | 'settings'}/${string}`

const FOLDERS = ['registry', 'ledger', 'http', 'settings'] as const
const ENDING = '.schema.json'

let loaded: { every: Ajv2020; first: Ajv2020 } | null = null

/**
 * The compiled JSON Schema of a file kind; compiled once. `every` reports all errors, `first` stops at the first, for
 * documents so large that a list of all errors would be a burden of its own.
 */
export function validatorOf(name: SchemaName, errors: 'every' | 'first'): ValidateFunction {
  loaded ??= { every: newAjv(true), first: newAjv(false) }
  const validator = loaded[errors].getSchema(idOf(name))
  if (validator === undefined) throw new TypeError(`no JSON Schema schemas/${name}${ENDING}`)
  return validator
}

/** All JSON Schemas of the package, by name. */
export function readSchemas(): Map<SchemaName, AnySchemaObject> {
  const schemas = new Map<SchemaName, AnySchemaObject>()
  for (const folder of FOLDERS) {
    const path = join(PACKAGE_ROOT, 'schemas', folder)
    for (const file of readdirSync(path).filter((entry) => entry.endsWith(ENDING))) {
      const schema = JSON.parse(readFileSync(join(path, file), 'utf8')) as AnySchemaObject
      schemas.set(`${folder}/${file.slice(0, -ENDING.length)}`, schema)
    }
  }
  return schemas
}

/** The files refer to each other by relative paths, which resolve against this. */
const idOf = (name: SchemaName) => `contractor:///schemas/${name}${ENDING}`

function newAjv(allErrors: boolean): Ajv2020 {
  // validateSchema: a test holds that every file is a valid schema, so that no start pays for it.
  // optimize: the pass takes longer than it saves in processes that validate a few files, and V8 does as much.
  const ajv = new Ajv2020({
    strict: true,
    allErrors,
    verbose: true,
    ownProperties: true,
    validateSchema: false,
    code: { optimize: false },
  })
  ajv.addFormat('date-time', isTimestamp)
  ajv.addFormat('duration', (text: string) => durationMs(text) !== null)
  ajv.addFormat('timezone', isTimezone)
  for (const [name, schema] of readSchemas()) ajv.addSchema({ ...schema, $id: idOf(name) })
  return ajv
}

function isTimezone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
