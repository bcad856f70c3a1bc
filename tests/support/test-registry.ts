import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatSealed } from './sealing-sandbox.ts'
import { bundleDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { formatCommit, type Person } from '../../runtime/git/commit-object.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { initBareRepository } from '../../runtime/git/init-repository.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { patchTree } from '../../runtime/git/tree-files.ts'
import { approvalStatement } from '../../runtime/trust/approvals.ts'
import { changeSeq } from '../../runtime/trust/change-seq.ts'
import { createGenesis } from '../../controller/promotion/genesis.ts'
import { MAIN_REF } from '../../controller/promotion/read-main.ts'
import { generateKeyPair, type Signer } from '../../controller/promotion/sign.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { digest12, type AliasName } from '../../schemas/names.ts'

/** Files by path; null removes. */
export type FileChanges = Readonly<Record<string, string | null>>

export type TestRegistry = {
  folder: string
  location: string
  repository: Repository
  root: Root
  signer: Signer
  heartbeatSigner: Signer
  keyFiles: { controller: string; heartbeat: string }
  people: Record<'ana' | 'ben' | 'cora', Signer>
  /** Commits to `main` as ana, unless told otherwise. Answers the oid. */
  commit(changes: FileChanges, options?: { author?: string; message?: string; parents?: string[] }): Promise<string>
  /** The path and text of an approval of what `state` has. */
  approval(
    by: 'ana' | 'ben' | 'cora',
    change: { tenant: string; alias: AliasName; digest: string; state: LedgerState },
  ): Promise<FileChanges>
  close(): Promise<void>
}

export const RULES = `registry: acme
runtime: { version: 1.0.0 }
compiler: 1
gates: 1
promotion:
  candidate: { approvals: 0 }
  current: { from: candidate, approvals: 1 }
`

const PEOPLE = ['ana', 'ben', 'cora'] as const

/** A bare repository with governance on `main` and seq 0 on `live`. Ana writes, ben approves and is an owner, cora has no role. */
export async function openTestRegistry(rules: string = RULES): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'contractor-'))
  const location = join(folder, 'registry.git')
  await initBareRepository(location)
  const repository = await openRepository(location)
  const key = (name: string) => generateKeyPair(join(folder, name), name)
  const [root, signer, heartbeatSigner] = [await key('root'), await key('controller'), await key('heartbeat')]
  const people = { ana: await key('ana'), ben: await key('ben'), cora: await key('cora') }
  let minute = 0

  const registry: TestRegistry = {
    folder,
    location,
    repository,
    root: undefined as never,
    signer,
    heartbeatSigner,
    keyFiles: { controller: join(folder, 'controller'), heartbeat: join(folder, 'heartbeat') },
    people,
    async commit(changes, { author = 'ana', message = 'change', parents } = {}) {
      const old = await repository.readRef(MAIN_REF)
      const base = parents?.[0] ?? old
      const tree = await patchTree(
        repository,
        base === null ? null : (await readCommit(repository, base)).tree,
        new Map(Object.entries(changes).map(([path, text]) => [path, text === null ? null : Buffer.from(text)])),
      )
      minute += 1
      const person: Person = {
        name: author,
        email: `${author}@acme.example`,
        timestamp: 1_767_225_600 + minute * 60,
        timezone: '+0000',
      }
      const all = parents ?? (base === null ? [] : [base])
      const raw = formatCommit({ tree, parents: all, author: person, committer: person, message: `${message}\n` })
      const oid = await repository.write('commit', raw)
      await repository.updateRefs([{ ref: MAIN_REF, old, new: oid }])
      return oid
    },
    async approval(by, { tenant, alias, digest, state }) {
      const known = state.tenants.get(tenant)
      const from = known?.aliases[alias]?.digest ?? null
      const change = { registry: 'acme', tenant, alias, from, digest, seq: changeSeq(known, alias) }
      const signature = await people[by].sign(Buffer.from(approvalStatement(change)), 'contractor-approval')
      return { [`tenants/${tenant}/approvals/${alias}/${digest12(digest)}.${by}.sig`]: signature }
    },
    async close() {
      await repository.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await registry.commit({ 'registry.yaml': rules, ...governanceFiles(people) }, { message: 'begin' })
  registry.root = await createGenesis({
    repository,
    rootSigners: [root],
    controllerSigner: signer,
    heartbeatPublicKey: heartbeatSigner.publicKey,
    now: () => new Date('2026-01-01T00:00:00Z'),
  })
  return registry
}

function governanceFiles(people: TestRegistry['people']): FileChanges {
  const principals = PEOPLE.map((id) => `  - { id: ${id}, name: ${id}, emails: [${id}@acme.example] }\n`).join('')
  return {
    'governance/allowed_signers': PEOPLE.map(
      (id) => `${id} namespaces="git,contractor-approval" ${people[id].publicKey}\n`,
    ).join(''),
    'governance/roles.yaml': `principals:\n${principals}roles:\n  - { name: approvers, owner: true, members: [ana, ben], approve: { aliases: ["*"], tenants: ["*"] } }\n`,
    'governance/revoked.yaml': 'revoked: []\n',
  }
}

/** The smallest source that the sealing sandbox takes. */
export function tinyBundle(name: string, version: string, text = 'hello'): FileChanges {
  return {
    [`bundles/${name}/manifest.yaml`]: `bundle_name: ${name}
bundle_version: ${version}
created_at: "2026-01-01T00:00:00Z"
created_by: ana
description: ${text}
runtime_compatibility: { min_version: 1.0.0 }
`,
    [`bundles/${name}/templates/answer.j2`]: `${text} ${version}\n`,
  }
}

/** The digest that a bundle of `tinyBundle` will have. */
export function digestOf(name: string, files: FileChanges): string {
  const prefix = `bundles/${name}/`
  const source: BundleFiles = new Map(
    Object.entries(files).map(([path, text]) => [path.slice(prefix.length), Buffer.from(text ?? '')]),
  )
  return bundleDigest(formatSealed(source))
}

export function aliasFile(bundle: string, version: string, digest: string): string {
  return `bundle: ${bundle}\nversion: ${version}\ndigest: ${digest}\n`
}
