import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { initBareRepository } from '../../../runtime/git/init-repository.ts'
import { openRepository, type Repository } from '../../../runtime/git/repository.ts'
import { absentAsNull } from '../../../runtime/git/durable-fs.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import { createGenesis } from '../../promotion/genesis.ts'
import { keysFiles, makeSecrets } from './api-keys.ts'
import { approvalFiles, commitFiles } from './example-commits.ts'
import { readExample, tenantNames, type Example, type Files } from './example.ts'
import type { Home } from './home.ts'
import { APPROVER, AUTHOR, makeKeys, peopleSigners, type EmbeddedKeys } from './people.ts'

/** A registry that is being made: what its later commits build on. */
export type Creation = {
  repository: Repository
  example: Example
  keys: EmbeddedKeys
  registry: string
  /** What every commit has beside the example's files: keys of people and tenants, and the approvals so far. */
  beside: Files
  tip: string
}

/**
 * Makes the keys, the registry with its first commit on `main`, and its root of trust. What an interrupted start left
 * is removed first: an installation is complete when its working clone stands.
 * @throws Fault `USAGE` where the folder holds what no interrupted start left
 */
export async function createRegistry(home: Home, now: () => Date): Promise<Creation> {
  await requireNothingElse(home)
  await mkdir(home.folder, { recursive: true, mode: 0o700 })
  await writeFile(home.making, '')
  for (const part of [home.registry, home.keys, home.controller, home.runtime, home.root])
    await rm(part, { recursive: true, force: true })
  const [keys, example] = await Promise.all([makeKeys(home.keys), readExample()])
  const secrets = makeSecrets(tenantNames(example.tip))
  await writeFile(home.secrets, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  await initBareRepository(home.registry)
  const repository = await openRepository(home.registry)
  const people = new Map([['governance/allowed_signers', Buffer.from(peopleSigners(keys))]])
  const started = {
    repository,
    example,
    keys,
    registry: registryId(example.tip),
    beside: merged(keysFiles(secrets), people),
  }
  const { tip, beside } = await commitNext(
    { ...started, tip: null },
    example.first,
    null,
    'two bundles and three tenants',
    now(),
  )
  const root = await createGenesis({
    repository,
    rootSigners: [keys.root],
    controllerSigner: keys.controller,
    heartbeatPublicKey: keys.heartbeat.publicKey,
    now,
  })
  await writeFile(home.root, `${JSON.stringify(root, null, 2)}\n`)
  const line = (name: string, key: string) => `${name} namespaces="git" ${key}\n`
  await writeFile(
    home.allowedSigners,
    line('controller', keys.controller.publicKey) + line('heartbeat', keys.heartbeat.publicKey),
  )
  return { ...started, tip, beside }
}

async function requireNothingElse({ folder, making, registry, work }: Home): Promise<void> {
  const found = (await absentAsNull(readdir(folder))) ?? []
  if (found.length === 0 || found.includes(basename(making))) return
  const todo = found.includes(basename(registry))
    ? `It has a registry and no working clone: \`git clone ${registry} ${work}\` makes one again.`
    : 'Name an empty folder, or one that is not there yet.'
  throw new Fault('USAGE', `${folder} holds files that this start did not make, and nothing of it was touched. ${todo}`)
}

/** The second commit on `main`, which builds on what the first one made live. */
export async function commitTip(creation: Creation, live: LedgerState, now: () => Date): Promise<Creation> {
  return {
    ...creation,
    ...(await commitNext(creation, creation.example.tip, live, 'retail-bank 1.1.0 for acme', now())),
  }
}

/** The branches that are ready to merge: one with an approval of what is live now, one without. */
export async function commitBranches(
  { repository, example, keys, registry, beside, tip }: Creation,
  live: LedgerState,
  now: () => Date,
): Promise<void> {
  const commit = (branch: string, message: string, files: Files, parent: string, author = AUTHOR) =>
    commitFiles(repository, { branch, message, files, parent, author, at: now() })
  const faster = merged(example.fasterCard, beside)
  const written = await commit('demo/faster-card', 'retail-bank 1.2.0: cards arrive sooner', faster, tip)
  const approvals = await approvalFiles(faster, registry, live, keys.approver)
  await commit(
    'demo/faster-card',
    'approve acme/current retail-bank 1.2.0',
    merged(faster, approvals),
    written,
    APPROVER,
  )
  await commit('demo/unapproved', 'retail-bank 1.3.0, which nobody approved', merged(example.unapproved, beside), tip)
}

type Started = Omit<Creation, 'tip'> & { tip: string | null }

async function commitNext(
  { repository, keys, registry, beside, tip }: Started,
  example: Files,
  live: LedgerState | null,
  message: string,
  at: Date,
) {
  const approvals = await approvalFiles(example, registry, live, keys.approver)
  const besides = merged(beside, approvals)
  const files = merged(example, besides)
  return {
    beside: besides,
    tip: await commitFiles(repository, { branch: 'main', parent: tip, message, author: AUTHOR, at, files }),
  }
}

function merged(...parts: Files[]): Files {
  return new Map(parts.flatMap((files) => [...files]))
}

function registryId(files: Files): string {
  return /^registry: (\S+)/m.exec(files.get('registry.yaml')!.toString())![1]!
}
