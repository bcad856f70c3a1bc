import { readFileSync } from 'node:fs'
import { Fault } from '../../schemas/fault.ts'
import { HAND_WRITTEN } from '../../schemas/limits.ts'
import { parseOrThrow, type FileKind, type Report } from '../../schemas/parse-file.ts'
import { settingsOf, TOKEN } from '../settings.ts'

/** Where copies of audit records go. `header` carries a credential. */
export type CopyTarget = { name: string; isRequired: boolean } & (
  { to: 'stdout' } | { to: 'http' | 'otlp'; url: string; header: readonly [name: string, value: string] | null }
)

type WrittenCopy = {
  name: string
  to: 'stdout' | 'http' | 'otlp'
  url?: string
  token_env?: string
  token_file?: string
  token_header?: string
  required?: boolean
}
type Written = { copies: WrittenCopy[] }

const COPIES: FileKind<Written> = {
  schema: 'settings/audit-copies',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'settings',
  code: 'CONFIG_INVALID',
  check: checkCopies,
  complete: (written) => written,
}

const URL_FORM = /^https?:\/\/[^\s#@]+$/

function checkCopies({ copies }: Written, report: Report): void {
  const names = new Set<string>()
  for (const [index, { name, to, url, token_env, token_file, token_header }] of copies.entries()) {
    const at = (field: string) => ['copies', index, field]
    if (names.has(name)) report(at('name'), `"${name}" stands twice`, 'Give each copy its own name.')
    names.add(name)
    const tokens = [token_env, token_file].filter((token) => token !== undefined).length
    if (to === 'stdout') {
      if (url !== undefined || tokens > 0) report(at('to'), 'standard output takes no url and no token', 'Remove them.')
      continue
    }
    if (url === undefined) report(at('to'), `a copy to ${to} needs a url`, 'Add url: https://…')
    // The message does not show what stands there: it may be a credential.
    else if (!URL_FORM.test(url))
      report(at('url'), 'expected an http(s) URL without credentials', 'Give the credential as a token.')
    if (tokens > 1) report(at('token_env'), 'token_env and token_file are both given', 'Give one of them.')
    if (token_header !== undefined && tokens === 0)
      report(at('token_header'), 'there is no token for this header', 'Add token_env or token_file.')
  }
}

/**
 * Reads the file of the operator. Nothing of it ever comes from a registry, a bundle or a request.
 * @throws Fault `CONFIG_INVALID`; no message shows a token
 */
export function readCopySettings(path: string, env: NodeJS.ProcessEnv): CopyTarget[] {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `CONTRACTOR_AUDIT_COPIES: "${path}" cannot be read`, { cause: error })
  }
  return parseOrThrow(COPIES, bytes, path).copies.map((copy) => targetOf(copy, env))
}

function targetOf(copy: WrittenCopy, env: NodeJS.ProcessEnv): CopyTarget {
  const { name, to, url = '', required = false } = copy
  if (to === 'stdout') return { name, to, isRequired: required }
  const token = tokenOf(copy, env)
  const { token_header } = copy
  if (token === null) return { name, to, url, isRequired: required, header: null }
  const header =
    token_header === undefined ? (['authorization', `Bearer ${token}`] as const) : ([token_header, token] as const)
  return { name, to, url, isRequired: required, header }
}

function tokenOf({ name, token_env, token_file }: WrittenCopy, env: NodeJS.ProcessEnv): string | null {
  if (token_file !== undefined) return settingsOf({}, { [`${name}_FILE`]: token_file }).secret(name, TOKEN)
  if (token_env === undefined) return null
  const token = settingsOf(env, {}).secret(token_env, TOKEN)
  if (token !== null) return token
  throw new Fault('CONFIG_INVALID', `${token_env} is missing: the audit copy ${name} takes its token from it`)
}
