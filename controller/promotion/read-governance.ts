import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { readTree, subtree } from '../../runtime/git/tree-files.ts'
import { DIRECTORY, type TreeEntry } from '../../runtime/git/tree.ts'
import { parseAllowedSigners } from '../../runtime/trust/allowed-signers.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { ParsedFile } from '../../schemas/parse-file.ts'
import { parseFloor } from '../../schemas/registry/floor.ts'
import { parseRevoked, parseRoles } from '../../schemas/registry/governance.ts'
import { POLICY_KINDS } from '../../schemas/registry/policies.ts'
import { parseRegistryFile } from '../../schemas/registry/registry.ts'
import {
  FLOOR_POLICY,
  governanceDigest,
  isGovernanceFile,
  REGISTRY_FILE,
  REVOKED_FILE,
  ROLES_FILE,
  SIGNERS_FILE,
} from './governance-files.ts'
import { finding, readPlain } from './read-file.ts'
import { readSignatures } from './signature-files.ts'
import { isReadable, type Parsed, type WantedGovernance } from './wanted.ts'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads `registry.yaml` and `governance/` of a tree of `main`. */
export async function readGovernance(reader: ObjectReader, tree: string): Promise<WantedGovernance> {
  const files = await listGovernance(reader, tree)
  const bytes = new Map<string, Parsed<Buffer>>()
  for (const [path, entry] of files) bytes.set(path, await readText(reader, entry, path))
  const texts = new Map([...bytes].map(([path, read]) => [path, isReadable(read) ? read.value.toString('utf8') : '']))
  const parsed = <T>(path: string, parse: (body: Buffer, at: string) => ParsedFile<T>, absent: T | null) =>
    parseOne(bytes.get(path), path, parse, absent)
  const revoked = parsed(REVOKED_FILE, parseRevoked, { revoked: [] })
  return {
    texts,
    digest: governanceDigest(texts),
    registry: parsed(REGISTRY_FILE, parseRegistryFile, null),
    signers: parseSigners(bytes.get(SIGNERS_FILE)),
    roles: parsed(ROLES_FILE, parseRoles, null),
    revoked: isReadable(revoked) ? { value: revoked.value.revoked } : revoked,
    policies: [...bytes].flatMap(([path, read]) => (FLOOR_POLICY.test(path) ? floorFindings(path, read) : [])),
    approvals: await readSignatures(reader, (await subtree(reader, tree, 'governance/approvals')) ?? [], () => true),
  }
}

/** The entries of the files that are governance; other files beside them are the team's own. */
async function listGovernance(reader: ObjectReader, tree: string): Promise<Map<string, TreeEntry>> {
  const found = new Map<string, TreeEntry>()
  const look = (prefix: string, entries: readonly TreeEntry[] | null) => {
    for (const entry of entries ?? []) if (isGovernanceFile(prefix + entry.name)) found.set(prefix + entry.name, entry)
  }
  const top = await readTree(reader, tree)
  look('', top)
  const governance = top.find(({ name, mode }) => name === 'governance' && mode === DIRECTORY)
  if (governance === undefined) return found
  look('governance/', await readTree(reader, governance.oid))
  look('governance/policies/', await subtree(reader, governance.oid, 'policies'))
  return found
}

async function readText(reader: ObjectReader, entry: TreeEntry, path: string): Promise<Parsed<Buffer>> {
  const bytes = await readPlain(reader, entry, path)
  if (!isReadable(bytes)) return bytes
  try {
    strictUtf8.decode(bytes.value)
    return bytes
  } catch {
    return { findings: [finding(path, 'FILE_INVALID', 'the file is not UTF-8', 'Save the file as UTF-8.')] }
  }
}

function parseOne<T>(
  bytes: Parsed<Buffer> | undefined,
  path: string,
  parse: (body: Buffer, at: string) => ParsedFile<T>,
  absent: T | null,
): Parsed<T> {
  if (bytes === undefined) return absent === null ? { findings: [absentFinding(path)] } : { value: absent }
  if (!isReadable(bytes)) return bytes
  const { value, findings } = parse(bytes.value, path)
  return value === null ? { findings } : { value }
}

function parseSigners(bytes: Parsed<Buffer> | undefined): WantedGovernance['signers'] {
  if (bytes === undefined) return { findings: [absentFinding(SIGNERS_FILE)] }
  if (!isReadable(bytes)) return bytes
  const { signers, findings } = parseAllowedSigners(bytes.value.toString('utf8'), SIGNERS_FILE)
  return findings.length > 0 ? { findings } : { value: signers }
}

function floorFindings(path: string, read: Parsed<Buffer>): readonly Finding[] {
  if (!isReadable(read)) return read.findings
  const kind = POLICY_KINDS.find((known) => path === `governance/policies/${known}.yaml`)
  if (kind !== undefined) return parseFloor(kind, read.value, path).findings
  const hint = `Name it after one of: ${POLICY_KINDS.join(', ')}.`
  return [finding(path, 'PATH_INVALID', 'there is no policy of this kind', hint)]
}

const absentFinding = (path: string): Finding =>
  finding(path, 'FILE_INVALID', 'the file is missing', 'Restore the file.')
