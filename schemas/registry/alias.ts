import { HAND_WRITTEN } from '../limits.ts'
import type { AliasName } from '../names.ts'
import { parseFile, type FileKind, type ParsedFile, type Report } from '../parse-file.ts'

/** `tenants/<tenant>/aliases/<alias>.yaml`; `digest` may be left out in `draft.yaml` only. */
export type Alias = { bundle: string; version: string; digest?: string }

const ALIAS: FileKind<Alias> = {
  schema: 'registry/alias',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'registry',
  code: 'FILE_INVALID',
  complete: (written) => written,
}

/** An alias file. `name` is the alias whose file it is: all but draft must pin the digest. */
export function parseAlias(bytes: Uint8Array, path: string, name: AliasName): ParsedFile<Alias> {
  const check = ({ digest }: Alias, report: Report) => {
    if (digest !== undefined || name === 'draft') return
    report([], 'expected the key "digest", found none', 'Write the digest that `contractor check` prints.')
  }
  return parseFile({ ...ALIAS, check }, bytes, path)
}
