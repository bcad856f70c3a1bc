import { HAND_WRITTEN } from '../limits.ts'
import { parseFile, type FileKind, type ParsedFile } from '../parse-file.ts'
import { checkPatterns, type Policies, type PolicyKind } from './policies.ts'
import type { Tenant } from './tenant.ts'

/** Rules of the kinds whose parts stand alone may give some of them only. */
type FloorRules = {
  [Kind in PolicyKind]: Kind extends 'security' | 'cache' | 'rag'
    ? Partial<Required<Policies>[Kind]>
    : Required<Policies>[Kind]
}

/** `governance/policies/<kind>.yaml`: rules for all tenants that have all the labels of `tenants`; the strictest rule wins. */
export type Floor<Kind extends PolicyKind> = { tenants: Tenant['labels']; rules: FloorRules[Kind] }
export type Floors = { [Kind in PolicyKind]?: Floor<Kind> }

type WrittenFloor = { tenants?: Tenant['labels'] } & Record<string, unknown>

/** `governance/policies/<kind>.yaml`: the shape of the policy with `tenants` beside it. */
export function parseFloor<Kind extends PolicyKind>(
  kind: Kind,
  bytes: Uint8Array,
  path: string,
): ParsedFile<Floor<Kind>> {
  const floor: FileKind<WrittenFloor, Floor<Kind>> = {
    schema: `registry/floor-${kind}`,
    format: 'yaml',
    limits: HAND_WRITTEN,
    gate: 'registry',
    code: 'FILE_INVALID',
    check: (written, report) => {
      if (kind === 'redaction') checkPatterns(written as unknown as FloorRules['redaction'], report)
    },
    complete: ({ tenants = {}, ...rules }) => ({ tenants, rules: rules as unknown as FloorRules[Kind] }),
  }
  return parseFile(floor, bytes, path)
}
