import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { governanceDigest, governanceInForce } from '../../controller/promotion/governance-files.ts'
import { generateKeyPair, type Signer } from '../../controller/promotion/sign.ts'
import { formatCommit, signedCommit } from '../../runtime/git/commit-object.ts'
import type { ObjectReader, ObjectWriter } from '../../runtime/git/object-reader.ts'
import { formatTag, signedTag } from '../../runtime/git/tag-object.ts'
import { patchTree, writeTree } from '../../runtime/git/tree-files.ts'
import { formatAllowedSigner } from '../../runtime/trust/allowed-signers.ts'
import { approvalStatement } from '../../runtime/trust/approvals.ts'
import { changeSeq } from '../../runtime/trust/change-seq.ts'
import { formatHeartbeat } from '../../runtime/trust/heartbeat-file.ts'
import { HEARTBEAT_PATH } from '../../runtime/trust/heartbeat.ts'
import { formatLedgerMessage, type LedgerMessage } from '../../runtime/trust/ledger-message.ts'
import { governanceStatement } from '../../runtime/trust/owner-approvals.ts'
import {
  changedFiles,
  ENTRY_PATH,
  epochPath,
  formatStateChanges,
  formatStateFile,
  keysetPath,
  REGISTRY_PATH,
  sha256Digest,
  signaturesPath,
  stateRoot,
  type StateChanges,
} from '../../runtime/trust/state-files.ts'
import { applyChanges, type LedgerState } from '../../runtime/trust/state.ts'
import type { Entry } from '../../schemas/ledger/entry.ts'
import type { AliasState, Approval, SealRecord, StackLevel, TenantState } from '../../schemas/ledger/state.ts'
import type { Epoch, Heartbeat, Keyset, Root } from '../../schemas/ledger/trust.ts'
import type { AliasName } from '../../schemas/names.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import { memoryObjects } from './memory-objects.ts'

export type Objects = ObjectReader & ObjectWriter

/** A commit of `live` as it was written, and what the next one follows. */
export type Written = {
  oid: string
  seq: number
  epoch: number
  entryDigest: string
  tree: string
  at: Date
  state: LedgerState
}

/** What a commit is to get wrong; everything that is not named is right. */
export type Tampering = {
  key?: Signer | null
  parents?: string[]
  entry?: (entry: Entry) => Entry
  message?: (message: LedgerMessage) => LedgerMessage
  /** Files that are written and not counted in the state root. */
  uncounted?: ReadonlyMap<string, Buffer | null>
  armour?: (signature: string) => string
  /** The commit to follow; the newest by default. */
  on?: Written
}

export type Change = StateChanges & {
  /** Owners who approve what the change does to governance. */
  owners?: string[]
  /** Files as they are, such as those under `trust/`. */
  files?: ReadonlyMap<string, Buffer | null>
  epoch?: number
  at?: Date
  subject?: string
  source?: string
}

export type LedgerBuilder = {
  objects: Objects
  registry: string
  root: Root
  /** Newest commit. */
  head: Written
  keys: { root: Signer[]; controller: Signer; heartbeat: Signer; people: ReadonlyMap<string, Signer> }
  /** Private key files, by the name of their owner. */
  keyFiles: ReadonlyMap<string, string>
  /** Writes the next commit of `live`. Returns it; `head` moves unless the commit was tampered with. */
  write(change: Change, tampering?: Tampering): Promise<Written>
  /** A signed commit on top of `head` whose files are counted, whatever they hold; `head` does not move. */
  writeRaw(files: ReadonlyMap<string, Buffer>): Promise<string>
  /** Adds a tenant without aliases. */
  addTenant(name: string, changes?: Partial<TenantState>): Promise<Written>
  /** Moves an alias as the rules demand, sealing a record on the way; `approvers` default to ben. */
  promote(tenant: string, alias: AliasName, seal: SealRecord, approvers?: string[]): Promise<Written>
  /** What the change of `promote` would write: for tests that spoil it. */
  planPromotion(tenant: string, alias: AliasName, seal: SealRecord, approvers?: string[]): Promise<Change>
  /** A seal commit and its tag for files; `ref` is the tag's place. */
  seal(
    bundle: string,
    version: string,
    files: ReadonlyMap<string, Uint8Array>,
    digest: string,
  ): Promise<{ record: SealRecord; ref: string }>
  keyset(keyset: Partial<Keyset>, signers?: Signer[]): Promise<Map<string, Buffer>>
  epochFiles(epoch: Epoch, signers?: Signer[]): Promise<Map<string, Buffer>>
  heartbeat(heartbeat: Partial<Heartbeat> & { signedAt?: Date }, key?: Signer): Promise<string>
}

export const START = new Date('2026-01-01T00:00:00.000Z')
const RULES_PATH = 'governance/registry.yaml'
const SOURCE = '1'.repeat(40)
const MINUTE = 60_000

export const RULES: Registry = {
  registry: 'acme',
  runtime: { version: '1.0.0' },
  compiler: 1,
  gates: 1,
  policies: { required: ['security', 'rate_limit', 'redaction'] },
  promotion: { candidate: { approvals: 0 }, current: { from: 'candidate', approvals: 1 } },
  rollback: { approvals: 0, within: 'P30D' },
  changes: { governance: 0, keys: 0, limits: 0, unsuspend: 0, unrevoke: 0 },
}

const PEOPLE = ['ana', 'ben', 'cora']

/** A person with a Git identity in the machine's commits. */
const machine = (at: Date) => ({
  name: 'Contractor',
  email: 'contractor@acme.example',
  timestamp: Math.floor(at.getTime() / 1000),
  timezone: '+0000',
})

export type BuilderOptions = { objects?: Objects; rules?: Partial<Registry>; rootKeys?: number; threshold?: number }

/** A ledger with its root, keys, people and first commit, in memory unless told otherwise. */
export async function buildLedger(options: BuilderOptions = {}): Promise<LedgerBuilder> {
  const objects = options.objects ?? memoryObjects()
  const rules: Registry = { ...RULES, ...options.rules }
  const registry = rules.registry
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'))
  const keyFiles = new Map<string, string>()
  const newKey = (name: string) => {
    keyFiles.set(name, join(folder, name))
    return generateKeyPair(join(folder, name), name)
  }
  const rootKeys = await Promise.all(Array.from({ length: options.rootKeys ?? 1 }, (_, at) => newKey(`root-${at}`)))
  const [controller, heartbeatKey] = [await newKey('controller'), await newKey('heartbeat')]
  const people = new Map(await Promise.all(PEOPLE.map(async (name) => [name, await newKey(name)] as const)))

  const signAll = async (bytes: Buffer, signers: Signer[]) =>
    Buffer.from((await Promise.all(signers.map((signer) => signer.sign(bytes, 'contractor-root')))).join(''))
  const signedFiles = async (path: string, value: unknown, signers: Signer[]) => {
    const bytes = formatStateFile(value)
    return new Map([
      [path, bytes],
      [signaturesPath(path), await signAll(bytes, signers)],
    ])
  }

  const builder: LedgerBuilder = {
    objects,
    registry,
    root: {
      registry,
      keys: rootKeys.map(({ publicKey }) => publicKey),
      threshold: options.threshold ?? 1,
      genesis: '',
    },
    head: undefined as never,
    keys: { root: rootKeys, controller, heartbeat: heartbeatKey, people },
    keyFiles,
    write,
    writeRaw: async (files) => (await writeCommit({ files }, {})).oid,
    async addTenant(name, changes = {}) {
      return write({ tenants: new Map([[name, newTenant(name, changes)]]), subject: `add ${name}` })
    },
    async promote(tenant, alias, seal, approvers) {
      return write(await builder.planPromotion(tenant, alias, seal, approvers))
    },
    async planPromotion(tenant, alias, seal, approvers = ['ben']) {
      const { state, seq, at: last } = builder.head
      const at = new Date(last.getTime() + MINUTE)
      const before = state.tenants.get(tenant) ?? newTenant(tenant)
      const held = before.aliases[alias] ?? null
      const statement = approvalStatement({
        registry,
        tenant,
        alias,
        from: held?.digest ?? null,
        digest: seal.digest,
        seq: changeSeq(before, alias),
      })
      const approvals = await Promise.all(approvers.map((name) => approve(statement, name)))
      const taken = take(held, seal, seq + 1, at.toISOString(), approvals)
      const aliases = { ...before.aliases, [alias]: taken }
      const key = `${seal.bundle}/${seal.version}`
      return {
        at,
        tenants: new Map([[tenant, { ...before, aliases }]]),
        ...(state.seals.has(key) ? {} : { seals: new Map([[key, seal]]) }),
        subject: `promote ${tenant}/${alias} ${seal.bundle} ${seal.version}`,
      }
    },
    async seal(bundle, version, files, digest) {
      const at = machine(builder.head.at)
      const payload = formatCommit({
        tree: await writeTree(objects, files),
        parents: [],
        author: at,
        committer: at,
        message: `seal ${bundle} ${version}\n`,
      })
      const seal = await objects.write('commit', signedCommit(payload, await controller.sign(payload, 'git')))
      const tag = formatTag({
        object: seal,
        type: 'commit',
        tag: `bundles/${bundle}/${version}`,
        tagger: at,
        message: `${digest}\n`,
      })
      const tag_object = await objects.write('tag', signedTag(tag, await controller.sign(tag, 'git')))
      return {
        record: { ...sealRecord(bundle, version, digest), seal, tag_object },
        ref: `refs/tags/bundles/${bundle}/${version}`,
      }
    },
    async keyset(changes, signers = rootKeys) {
      const keyset: Keyset = {
        registry,
        version: 1,
        epoch: 1,
        controller_keys: [controller.publicKey],
        heartbeat_key: heartbeatKey.publicKey,
        trusted_until_seq: null,
        ...changes,
      }
      return signedFiles(keysetPath(keyset.version), keyset, signers)
    },
    epochFiles: (epoch, signers = rootKeys) => signedFiles(epochPath(epoch.epoch), epoch, signers),
    async heartbeat({ signedAt = builder.head.at, ...changes }, key = heartbeatKey) {
      const { oid, seq } = builder.head
      const expires_at = new Date(signedAt.getTime() + 3 * MINUTE).toISOString()
      const bytes = formatHeartbeat({ registry, seq, head: oid, expires_at, ...changes })
      const tree = await writeTree(objects, new Map([[HEARTBEAT_PATH, bytes]]))
      const by = machine(signedAt)
      const payload = formatCommit({ tree, parents: [], author: by, committer: by, message: 'heartbeat\n' })
      return objects.write('commit', signedCommit(payload, await key.sign(payload, 'git')))
    },
  }

  const genesis = await write({
    registry: { epoch: 1, rules },
    governance: governanceFiles(people),
    files: await builder.keyset({}),
    at: START,
    subject: `found ${registry}`,
  })
  builder.root = { ...builder.root, genesis: genesis.oid }
  return builder

  async function approve(statement: string, name: string): Promise<Approval> {
    const signer = people.get(name)
    if (signer === undefined) throw new TypeError(`nobody is called ${name}`)
    return { principal: name, statement, signature: await signer.sign(Buffer.from(statement), 'contractor-approval') }
  }

  async function write(change: Change, tampering: Tampering = {}): Promise<Written> {
    const { changes, files, ...written } = await writeCommit(change, tampering)
    const state = applyChanges((tampering.on ?? builder.head)?.state ?? null, changes, files)
    if (Object.keys(tampering).length === 0) builder.head = { ...written, state }
    return { ...written, state }
  }

  async function writeCommit(change: Change, tampering: Tampering) {
    const before: Written | undefined = tampering.on ?? builder.head
    const seq = before === undefined ? 0 : before.seq + 1
    const epoch = change.epoch ?? before?.epoch ?? 1
    const at = change.at ?? new Date((before?.at ?? START).getTime() + MINUTE)
    const changes = new Map([...formatStateChanges(await governed(change, before, seq)), ...(change.files ?? [])])
    if (before !== undefined && epoch !== before.epoch && !changes.has(REGISTRY_PATH))
      changes.set(REGISTRY_PATH, formatStateFile({ ...before.state.registry, epoch }))
    const files = changedFiles(before?.state.files ?? new Map(), changes)
    const right: Entry = {
      seq,
      prev: before?.entryDigest ?? null,
      at: at.toISOString(),
      source: change.source ?? SOURCE,
      covers: [],
      state_root: stateRoot(files),
      decisions: [],
    }
    const bytes = formatStateFile(tampering.entry?.(right) ?? right)
    const entryDigest = sha256Digest(bytes)
    const all = new Map([...changes, [ENTRY_PATH, bytes], ...(tampering.uncounted ?? [])])
    const tree = await patchTree(objects, before?.tree ?? null, all)
    const { source } = right
    const said = { subject: change.subject ?? `entry ${seq}`, registry, seq, epoch, source, entry: entryDigest }
    const by = machine(at)
    const payload = formatCommit({
      tree,
      parents: tampering.parents ?? (before === undefined ? [] : [before.oid]),
      author: by,
      committer: by,
      message: formatLedgerMessage(tampering.message?.(said) ?? said),
    })
    const oid = await objects.write('commit', await signCommit(payload, tampering))
    return { oid, seq, epoch, entryDigest, tree, at, changes, files }
  }

  /** What a change of rules or governance brings besides: the file of the rules, its digest and approvals. */
  async function governed(change: Change, before: Written | undefined, seq: number): Promise<StateChanges> {
    if (change.registry === undefined && change.governance === undefined) return change
    const held = before?.state.registry
    const taken = change.registry ?? held ?? { epoch: 1, rules }
    const texts = new Map<string, string>(before?.state.governance)
    const governance = new Map([...(change.governance ?? []), [RULES_PATH, `${JSON.stringify(taken.rules)}\n`]])
    for (const [path, text] of governance) {
      if (text === null) texts.delete(path)
      else texts.set(path, text)
    }
    const digest = governanceDigest(governanceInForce(texts))
    const [from, last] = [held?.governance?.digest ?? '', held?.governance?.seq ?? 0]
    const statement = governanceStatement({ registry, from, to: digest, seq: last })
    const approvals = await Promise.all((change.owners ?? []).map((name) => approve(statement, name)))
    return { ...change, governance, registry: { ...taken, governance: { digest, seq, approvals } } }
  }

  async function signCommit(
    payload: Buffer,
    { key = controller, armour = (text) => text }: Tampering,
  ): Promise<Buffer> {
    return key === null ? payload : signedCommit(payload, armour(await key.sign(payload, 'git')))
  }
}

/** The record of a bundle that nobody sealed: enough where only the ledger is looked at. */
export function sealRecord(bundle: string, version: string, digest = sha256Digest(`${bundle} ${version}`)): SealRecord {
  return {
    bundle,
    version,
    bundle_id: `b-${digest.slice(7, 39)}`,
    digest,
    source_digest: sha256Digest(`source of ${bundle} ${version}`),
    report: sha256Digest('report'),
    compatibility: { min_version: '1.0.0' },
    seal: '2'.repeat(40),
    tag_object: '3'.repeat(40),
    source: SOURCE,
    authors: ['cora'],
  }
}

export function newTenant(tenant: string, changes: Partial<TenantState> = {}): TenantState {
  return {
    tenant,
    status: 'active',
    labels: {},
    limits: {},
    quota: {},
    max_staleness: 'PT1H',
    keys: [],
    values: {},
    aliases: {},
    ...changes,
  }
}

/** What an alias holds after a change: back to a level of its stack where the digest is there, else one more. */
function take(held: AliasState | null, seal: SealRecord, seq: number, at: string, approvals: Approval[]): AliasState {
  const { bundle, version, digest, bundle_id, seal: commit } = seal
  const below = (held?.stack ?? []).map((level): StackLevel => (level.until === null ? { ...level, until: at } : level))
  const back = below.slice(0, -1).findLastIndex((level) => level.digest === digest)
  const stack =
    back === -1
      ? [...below, { bundle, version, digest, seq, until: null }]
      : below.slice(0, back + 1).map((level, index) => (index === back ? { ...level, until: null } : level))
  const tag = `refs/tags/bundles/${bundle}/${version}`
  return {
    bundle,
    version,
    bundle_id,
    digest,
    tag,
    seal: commit,
    seq,
    since: at,
    from: held?.digest ?? null,
    approvals,
    stack,
  }
}

function governanceFiles(people: ReadonlyMap<string, Signer>): Map<string, string> {
  const names = [...people.keys()]
  const principals = names.map((id) => `  - id: ${id}\n    name: ${id}\n    emails: [${id}@acme.example]\n`).join('')
  const role = `  - name: approvers\n    members: [${names.join(', ')}]\n    approve: { aliases: ["*"], tenants: ["*"] }\n    owner: true\n`
  const signers = [...people].map(([principal, { publicKey: key }]) =>
    formatAllowedSigner({ principal, namespaces: ['contractor-approval', 'git'], key }),
  )
  return new Map([
    ['governance/allowed_signers', signers.join('')],
    ['governance/roles.yaml', `principals:\n${principals}roles:\n${role}`],
    ['governance/revoked.yaml', 'revoked: []\n'],
  ])
}
