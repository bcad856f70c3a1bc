import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import { parsePublicKey } from './ssh-key.ts'

/** One line of an OpenSSH allowed_signers file. */
export type AllowedSigner = {
  /** Exactly one principal: an id or an e-mail address of `governance/roles.yaml`, never a pattern. */
  principal: string
  namespaces: string[]
  /** RFC 3339; null where the line sets no limit. */
  validAfter: string | null
  validBefore: string | null
  /** `ssh-ed25519 AAAA…` */
  key: string
}

const PRINCIPAL = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}(?:@[A-Za-z0-9.-]{1,253})?$/
const NAMESPACE = /^[a-z0-9][a-z0-9@._-]{0,62}$/
const TIMESTAMP = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z$/
const MAX_LINES = 10_000

type Field = { text: string; column: number }
type Problem = { column: number; message: string; hint: string }

/**
 * Reads an allowed_signers file more strictly than ssh-keygen does: what would accept more than it says (no
 * `namespaces`, patterns, local times, certificate authorities, one key for two people) is a finding. See the
 * ALLOWED SIGNERS section of ssh-keygen(1). Lines with findings give no signer.
 */
export function parseAllowedSigners(text: string, path: string): { signers: AllowedSigner[]; findings: Finding[] } {
  const signers: AllowedSigner[] = []
  const findings: Finding[] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.slice(0, MAX_LINES).entries()) {
    if (line === '' || line.startsWith('#')) continue
    const signer = parseLine(line)
    const other = 'message' in signer ? undefined : signers.find((known) => sameKey(known, signer))
    if (other !== undefined) report(index, sharedKey(other))
    else if ('message' in signer) report(index, signer)
    else signers.push(signer)
  }
  if (lines.length > MAX_LINES)
    report(MAX_LINES, {
      column: 1,
      message: `more than ${MAX_LINES} lines`,
      hint: 'Remove the keys that are not used.',
    })
  return { signers, findings }

  function report(index: number, problem: Problem): void {
    findings.push({ gate: 'registry', code: 'FILE_INVALID', severity: 'error', path, line: index + 1, ...problem })
  }
}

/** Who signs with this key for this purpose at this time; null when nobody does. */
export function principalFor(
  signers: readonly AllowedSigner[],
  key: string,
  namespace: string,
  at: Date,
): string | null {
  const signer = signers.find(
    (known) =>
      known.key === key &&
      known.namespaces.includes(namespace) &&
      (known.validAfter === null || Date.parse(known.validAfter) <= at.getTime()) &&
      (known.validBefore === null || at.getTime() < Date.parse(known.validBefore)),
  )
  return signer?.principal ?? null
}

/** One line for people's own `ssh-keygen -Y verify` and `git verify-commit`. */
export function formatAllowedSigner(signer: { principal: string; namespaces: string[]; key: string }): string {
  return `${signer.principal} namespaces="${signer.namespaces.join(',')}" ${signer.key}\n`
}

function parseLine(line: string): AllowedSigner | Problem {
  const fields = splitFields(line)
  if ('message' in fields) return fields
  const [principal, options, type, key] = fields
  if (principal === undefined || options === undefined) return incomplete(line)
  if (!PRINCIPAL.test(principal.text))
    return {
      column: principal.column,
      message: `${JSON.stringify(principal.text)} is not one exact principal`,
      hint: 'Write one principal id or e-mail address per line; patterns and lists are not allowed.',
    }
  if (/^(?:ssh-|sk-|ecdsa-)/.test(options.text)) return noNamespaces(options.column)
  if (type === undefined || key === undefined) return incomplete(line)
  const parsed = parseOptions(options)
  if ('message' in parsed) return parsed
  try {
    const { text } = parsePublicKey(`${type.text} ${key.text}`, 'FILE_INVALID', 'key')
    return { principal: principal.text, ...parsed, key: text }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { column: type.column, message: error.message, hint: 'Paste the line of an Ed25519 .pub file.' }
  }
}

type Options = Pick<AllowedSigner, 'namespaces' | 'validAfter' | 'validBefore'>

function parseOptions({ text, column }: Field): Options | Problem {
  const found = new Map<string, Field>()
  let rest = text
  let at = column
  while (rest !== '') {
    const match = /^([a-z-]+)(?:="([^"\\]*)")?(?:,(?=.)|$)/.exec(rest)
    const name = match?.[1] ?? ''
    if (match === null || !['namespaces', 'valid-after', 'valid-before'].includes(name) || match[2] === undefined)
      return {
        column: at,
        message: `the option ${JSON.stringify(rest)} is not allowed`,
        hint: 'Use namespaces="…", valid-after="YYYYMMDDZ" and valid-before="YYYYMMDDZ", with commas between them.',
      }
    if (found.has(name)) return { column: at, message: `${name} stands twice`, hint: 'Remove one of them.' }
    found.set(name, { text: match[2], column: at })
    rest = rest.slice(match[0].length)
    at += match[0].length
  }
  const namespaces = found.get('namespaces')
  if (namespaces === undefined) return noNamespaces(column)
  const names = namespaces.text.split(',')
  const wrong = names.find((name) => !NAMESPACE.test(name))
  if (wrong !== undefined)
    return {
      column: namespaces.column,
      message: `${JSON.stringify(wrong)} is not one exact namespace`,
      hint: 'Approvals need namespaces="contractor-approval", commits need namespaces="git".',
    }
  const times = { validAfter: null as string | null, validBefore: null as string | null }
  for (const [name, field] of [['valid-after', 'validAfter'] as const, ['valid-before', 'validBefore'] as const]) {
    const option = found.get(name)
    if (option === undefined) continue
    times[field] = parseTimestamp(option.text)
    if (times[field] === null)
      return {
        column: option.column,
        message: `${JSON.stringify(option.text)} is not a time in UTC`,
        hint: 'Write YYYYMMDDZ or YYYYMMDDHHMMSSZ; the Z keeps it from depending on the time zone of the machine.',
      }
  }
  return { namespaces: names, ...times }
}

function parseTimestamp(text: string): string | null {
  const match = TIMESTAMP.exec(text)
  if (match === null) return null
  const [, year, month, day, hour = '00', minute = '00', second = '00'] = match
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const time = new Date(iso)
  return !Number.isNaN(time.getTime()) && time.toISOString() === iso ? iso : null
}

/** Fields are separated by blanks; double quotes keep blanks inside an option. */
function splitFields(line: string): Field[] | Problem {
  const fields: Field[] = []
  const bad = /[^\x20-\x7e\t]/.exec(line.replace(/#.*$/, ''))
  if (bad !== null)
    return {
      column: bad.index + 1,
      message: 'a character that is not printable ASCII',
      hint: 'Remove it; lines end with LF.',
    }
  for (const match of line.matchAll(/(?:[^ \t"]|"[^"]*")+|"/g)) {
    if (match[0] === '"')
      return { column: match.index + 1, message: 'a quote without its end', hint: 'Close the quote.' }
    fields.push({ text: match[0], column: match.index + 1 })
  }
  return fields
}

const sameKey = (a: AllowedSigner, b: AllowedSigner) =>
  a.key === b.key && (a.principal !== b.principal || a.namespaces.some((name) => b.namespaces.includes(name)))

const sharedKey = (other: AllowedSigner): Problem => ({
  column: 1,
  message: `the key already stands on a line of ${other.principal}`,
  hint: 'One key belongs to one principal, on one line for a namespace.',
})

const noNamespaces = (column: number): Problem => ({
  column,
  message: 'the line has no namespaces="…", so its key would be accepted for every purpose',
  hint: 'Write namespaces="contractor-approval" (or "git") between the principal and the key.',
})

const incomplete = (line: string): Problem => ({
  column: line.length + 1,
  message: 'the line ends before its key',
  hint: 'Write: <principal> namespaces="contractor-approval" ssh-ed25519 AAAA…',
})
