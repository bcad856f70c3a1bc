import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nothingCompared } from '../../controller/gates/shadow.ts'
import type { Observation, Plan } from '../../controller/plan.ts'
import { governanceDigest } from '../../controller/promotion/governance-files.ts'
import type { LedgerHead } from '../../controller/promotion/head.ts'
import { generateKeyPair, type Signer } from '../../controller/promotion/sign.ts'
import type {
  SignatureFile,
  Wanted,
  WantedBundle,
  WantedGovernance,
  WantedTenant,
} from '../../controller/promotion/wanted.ts'
import { approvalStatement } from '../../runtime/trust/approvals.ts'
import { changeSeq } from '../../runtime/trust/change-seq.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { digest12, type AliasName } from '../../schemas/names.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { Tenant } from '../../schemas/registry/tenant.ts'
import { RULES, sealRecord } from './ledger-builder.ts'

export const START = new Date('2026-01-01T00:00:00.000Z')
export const GENESIS = '1'.repeat(40)
export const TIP = '2'.repeat(40)

export type People = Record<'ana' | 'ben' | 'cora', Signer>

/** Ana and ben may approve and are owners; cora wrote every bundle. */
export async function makePeople(): Promise<People> {
  const folder = await mkdtemp(join(tmpdir(), 'people-'))
  const key = (name: string) => generateKeyPair(join(folder, name), name)
  return { ana: await key('ana'), ben: await key('ben'), cora: await key('cora') }
}

export const TEXTS: ReadonlyMap<string, string> = new Map([
  ['registry.yaml', 'rules'],
  ['governance/allowed_signers', 'signers'],
  ['governance/roles.yaml', 'roles'],
  ['governance/revoked.yaml', 'revoked: []\n'],
])

/** A ledger at seq 0 that has these seals and nothing else. */
export function headOf(people: People, rules: Partial<Registry> = {}, seals: readonly SealRecord[] = []): LedgerHead {
  const names = Object.keys(people)
  const governance = new Map(
    [...TEXTS].map(([path, text]) => [path === 'registry.yaml' ? `governance/${path}` : path, text]),
  )
  return {
    oid: '0'.repeat(40),
    seq: 0,
    epoch: 1,
    entryDigest: `sha256:${'0'.repeat(64)}`,
    tree: '0'.repeat(40),
    entry: {
      seq: 0,
      prev: null,
      at: START.toISOString(),
      source: GENESIS,
      covers: [],
      state_root: '',
      decisions: [],
    },
    state: {
      registry: {
        epoch: 1,
        rules: {
          ...RULES,
          changes: { governance: 'owners', keys: 0, limits: 0, unsuspend: 'owners', unrevoke: 'owners' },
          ...rules,
        },
        governance: { digest: governanceDigest(TEXTS), seq: 0, approvals: [] },
      },
      governance,
      signers: Object.entries(people).map(([principal, { publicKey: key }]) => ({
        principal,
        namespaces: ['contractor-approval'],
        validAfter: null,
        validBefore: null,
        key,
      })),
      roles: {
        principals: names.map((id) => ({ id, name: id, emails: [`${id}@acme.example`] })),
        roles: [
          { name: 'approvers', owner: true, members: ['ana', 'ben'], approve: { aliases: ['*'], tenants: ['*'] } },
        ],
      },
      revoked: [],
      keysets: [],
      trust: new Map(),
      tenants: new Map(),
      seals: new Map(seals.map((seal) => [`${seal.bundle}/${seal.version}`, seal])),
      sets: new Map(),
      files: new Map(),
    },
  }
}

export const faq = (version: string): SealRecord => sealRecord('faq', version)

export function wantedTenant(
  name: string,
  changes: Partial<WantedTenant> = {},
  settings: Partial<Tenant> = {},
): WantedTenant {
  return {
    name,
    settings: { value: { status: 'active', labels: {}, limits: {}, quota: {}, max_staleness: 'PT1H', ...settings } },
    keys: { value: [] },
    values: { value: {} },
    aliases: {},
    approvals: new Map(),
    ...changes,
  }
}

/** Alias files that name a seal, each with its digest. */
export function holding(aliases: Partial<Record<AliasName, SealRecord>>): Pick<WantedTenant, 'aliases'> {
  const files = Object.entries(aliases).map(([alias, { bundle, version, digest }]) => [
    alias,
    { value: { bundle, version, digest } },
  ])
  return { aliases: Object.fromEntries(files) as WantedTenant['aliases'] }
}

/** A signature file for a change of an alias, as the head has it now. */
export async function approval(
  signer: [principal: string, key: Signer],
  head: LedgerHead,
  tenant: string,
  alias: AliasName,
  { digest }: SealRecord,
): Promise<WantedTenant['approvals']> {
  const known = head.state.tenants.get(tenant)
  const statement = approvalStatement({
    registry: head.state.registry.rules.registry,
    tenant,
    alias,
    from: known?.aliases[alias]?.digest ?? null,
    digest,
    seq: changeSeq(known, alias),
  })
  return new Map([[`${alias}/${digest12(digest)}`, [await signatureFile(signer, statement)]]])
}

export async function signatureFile([principal, key]: [string, Signer], statement: string): Promise<SignatureFile> {
  return { principal, signature: await key.sign(Buffer.from(statement), 'contractor-approval') }
}

export type Wants = {
  tenants?: readonly (WantedTenant | { name: string; findings: [] })[] | null
  bundles?: Readonly<Record<string, WantedBundle>>
  governance?: Partial<WantedGovernance>
  unreadable?: Wanted['unreadable']
}

export function observing(head: LedgerHead, wants: Wants, rest: Partial<Observation> = {}): Observation {
  const { tenants = [], bundles = {}, governance = {}, unreadable = [] } = wants
  const texts = governance.texts ?? TEXTS
  return {
    head,
    main: { kind: 'descends', tip: TIP, covers: [] },
    standing: new Map(),
    values: () => [],
    comparisons: nothingCompared,
    wanted: {
      governance: {
        texts,
        digest: governanceDigest(texts),
        registry: { value: head.state.registry.rules },
        signers: { value: head.state.signers },
        roles: { value: head.state.roles },
        revoked: { value: head.state.revoked },
        policies: [],
        approvals: new Map(),
        ...governance,
      },
      tenants: tenants === null ? null : new Map(tenants.map((tenant) => [tenant.name, tenant])),
      bundles: new Map(Object.entries(bundles)),
      unreadable,
    },
    ...rest,
  }
}

/** The head that a plan leads to. */
export function headAfter(head: LedgerHead, { next, decisions, covers }: Plan): LedgerHead {
  const tenants = new Map(head.state.tenants)
  for (const [name, tenant] of next.tenants) {
    if (tenant === null) tenants.delete(name)
    else tenants.set(name, tenant)
  }
  return {
    ...head,
    seq: next.seq,
    entry: {
      ...head.entry,
      seq: next.seq,
      at: next.now.toISOString(),
      source: next.source,
      covers: [...covers],
      decisions: [...decisions],
    },
    state: {
      ...head.state,
      registry: next.registry,
      revoked: [...next.revoked],
      tenants,
      seals: new Map([...head.state.seals, ...next.seals]),
    },
  }
}

/** `subject reason_code` of each decision, in order. */
export const told = (decisions: readonly Decision[]): string[] =>
  decisions.map(
    ({ subject, decision, reason_code }) => `${subject} ${decision === 'allow' ? '' : `${decision} `}${reason_code}`,
  )
