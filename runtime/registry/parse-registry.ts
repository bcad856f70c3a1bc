import type { Finding } from '../../schemas/finding.ts'
import { HAND_WRITTEN } from '../../schemas/limits.ts'
import { NAME } from '../../schemas/names.ts'
import { findingsOf, type ParsedFile } from '../../schemas/parse-file.ts'
import { parseFloor, type Floors } from '../../schemas/registry/floor.ts'
import { parseRevoked, parseRoles, type Revocation, type Roles } from '../../schemas/registry/governance.ts'
import { POLICY_KINDS } from '../../schemas/registry/policies.ts'
import { parseRegistryFile, type Registry } from '../../schemas/registry/registry.ts'
import { safeText } from '../../schemas/safe-text.ts'
import { parseAllowedSigners, type AllowedSigner } from '../trust/allowed-signers.ts'
import { parseTenant, type ParsedTenant } from './parse-tenant.ts'

export type ParsedGovernance = {
  roles: Roles | null
  signers: AllowedSigner[] | null
  /** Empty where there is no file. */
  revoked: Revocation[] | null
  floors: Floors
}

/** What a registry's files outside bundles say. Null is what is missing or cannot be read, as a finding says. */
export type ParsedRegistry = {
  registry: Registry | null
  governance: ParsedGovernance
  tenants: ReadonlyMap<string, ParsedTenant>
  /** Names of the folders under `bundles/`, of paths that were given. */
  bundles: ReadonlySet<string>
  /** Paths of files that are there and cannot be used, those of tenants left out. */
  malformed: ReadonlySet<string>
  /** Those of tenants left out. */
  findings: Finding[]
}

const FLOOR = /^governance\/policies\/([^/]+)\.yaml$/
const SIGNERS_LIMITS = { ...HAND_WRITTEN, bytes: 1024 * 1024, lines: 20_000 }

/** Reads everything but bundles. One malformed tenant never affects another. Paths are from the root of the registry. */
export function parseRegistry(files: ReadonlyMap<string, Buffer>): ParsedRegistry {
  const findings: Finding[] = []
  const malformed = new Set<string>()
  const report = (path: string, message: string, hint: string) => {
    const place = { path, line: 1, column: 1 }
    findings.push({ gate: 'registry', code: 'FILE_INVALID', severity: 'error', ...place, message, hint })
  }
  function read<T>(
    path: string,
    parse: (bytes: Buffer, path: string) => Omit<ParsedFile<T>, 'at'>,
    hint: string | null,
  ) {
    const bytes = files.get(path)
    if (bytes === undefined && hint !== null) report(path, 'the file is missing', hint)
    if (bytes === undefined) return undefined
    const parsed = parse(bytes, path)
    findings.push(...parsed.findings)
    if (parsed.value === null) malformed.add(path)
    return parsed.value
  }

  const registry = read('registry.yaml', parseRegistryFile, 'Start a registry with `contractor init`.')
  const roles = read('governance/roles.yaml', parseRoles, 'Add it: it says who may approve what.')
  const signers = read('governance/allowed_signers', parseSigners, 'Add it: it says who signs with which key.')
  const revoked = read('governance/revoked.yaml', parseRevoked, null)
  const floors: Floors = {}
  for (const path of files.keys()) {
    const name = FLOOR.exec(path)?.[1]
    const kind = POLICY_KINDS.find((known) => known === name)
    if (kind !== undefined) {
      const floor = read(path, (bytes, at) => parseFloor(kind, bytes, at), null)
      if (floor !== undefined && floor !== null) Object.assign(floors, { [kind]: floor })
    } else if (name !== undefined) {
      malformed.add(path)
      report(path, `there is no policy ${name}`, `Policies are ${POLICY_KINDS.join(', ')}.`)
    }
  }
  const tenants = parseTenants(files)
  const bundles = new Set<string>()
  for (const name of namesUnder('bundles', files.keys())) {
    if (NAME.test(name)) bundles.add(name)
    else
      report(
        `bundles/${name}`,
        `${JSON.stringify(name)} is no name of a bundle`,
        'Use lower-case letters, digits and hyphens.',
      )
  }
  return {
    registry: registry ?? null,
    governance: {
      roles: roles ?? null,
      signers: signers ?? null,
      revoked: revoked === undefined ? [] : (revoked?.revoked ?? null),
      floors,
    },
    tenants,
    bundles,
    malformed,
    findings,
  }
}

function parseTenants(files: ReadonlyMap<string, Buffer>): Map<string, ParsedTenant> {
  const folders = new Map<string, Map<string, Buffer>>()
  for (const [path, bytes] of files) {
    const [top, name, ...rest] = path.split('/')
    if (top !== 'tenants' || name === undefined || rest.length === 0) continue
    const folder = folders.get(name) ?? new Map<string, Buffer>()
    folders.set(name, folder.set(rest.join('/'), bytes))
  }
  return new Map([...folders].map(([name, folder]) => [name, parseTenant(name, folder)]))
}

function namesUnder(folder: string, paths: Iterable<string>): Set<string> {
  const names = [...paths]
    .map((path) => path.split('/'))
    .filter(([top, , file]) => top === folder && file !== undefined)
  return new Set(names.map(([, name = '']) => name))
}

function parseSigners(bytes: Buffer, path: string): Omit<ParsedFile<AllowedSigner[]>, 'at'> {
  const { text, problem } = safeText(bytes, SIGNERS_LIMITS, 'FILE_INVALID', 'tabs')
  if (text === null)
    return { value: null, findings: findingsOf({ document: null, problems: [problem] }, 'registry', path) }
  const { signers, findings } = parseAllowedSigners(text, path)
  return { value: findings.some(({ severity }) => severity === 'error') ? null : signers, findings }
}
