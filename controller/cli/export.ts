import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openRepository } from '../../runtime/git/repository.ts'
import { tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import { formatHeartbeat } from '../../runtime/trust/heartbeat-file.ts'
import { keysEver } from '../../runtime/trust/keysets.ts'
import { LIVE_REF, verifyLedger, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import { readSealedBundle } from '../../runtime/trust/sealed-bundle.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { durationMs } from '../../schemas/duration.ts'
import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { AUDIT_REF } from '../witness/audit-branch.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'
import { ledgerOfClone, OFFLINE_OPTION, pinnedRoot, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { stockGit } from './clone/stock-git.ts'

export const exportRegistry: CommandSpec = {
  name: 'export',
  summary: 'write what Runtimes need as one git bundle, verified as they will, for a site without a network',
  options: [
    ['--out <file>', 'where to write it (default: ./<registry>-<seq>.bundle)'],
    ['--tenant <name>', 'only the bundles of this tenant, for a site that serves no other'],
    ['--lease <duration>', 'also write the lease that the root is to sign, in force for so long, such as P30D'],
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const leaseMs = leaseOption(call)
    const clone = await openClone(call)
    const root = await pinnedRoot(call, clone)
    const ledger = await ledgerOfClone(call, clone)
    const seals = sealsToCarry(ledger.state, optionText(call, 'tenant'))
    const file = resolve(call.cwd, optionText(call, 'out') ?? `${root.registry}-${ledger.seq}.bundle`)
    if (existsSync(file)) throw new Fault('USAGE', `${file} exists already; name another file with --out.`)
    const refs = await refsToCarry(call, clone, seals)
    await carry(call, clone, refs, file, (site) => verifyCarried(site, root, ledger, seals)).catch(
      async (error: unknown) => {
        await rm(file, { force: true })
        throw error
      },
    )
    const lease = leaseMs === null ? null : await writeLease(file, ledger, root, leaseMs)
    await report(call, {
      file,
      lease,
      registry: root.registry,
      seq: ledger.seq,
      head: ledger.oid,
      bundles: seals.length,
    })
    return 0
  },
}

function leaseOption(call: Call): number | null {
  const text = optionText(call, 'lease')
  const ms = text === undefined ? null : durationMs(text)
  if (text !== undefined && (ms === null || ms === 0))
    throw new Fault('USAGE', `--lease: expected an ISO 8601 duration such as P30D, found ${JSON.stringify(text)}.`)
  return ms
}

/** Of one tenant: what its aliases name, and what they may be rolled back to. */
function sealsToCarry({ seals, tenants }: LedgerState, name: string | undefined): SealRecord[] {
  if (name === undefined) return [...seals.values()]
  const tenant = tenants.get(name)
  if (tenant === undefined)
    throw new Fault('NOT_FOUND', `No tenant ${name} stands on \`live\`; see \`contractor status\`.`)
  const digests = new Set(
    Object.values(tenant.aliases).flatMap(({ digest, stack }) => [digest, ...stack.map((held) => held.digest)]),
  )
  return [...seals.values()].filter(({ digest }) => digests.has(digest))
}

/** `<ref of the clone>:<ref at the site>` each. */
async function refsToCarry(call: Call, clone: Clone, seals: readonly SealRecord[]): Promise<string[]> {
  const isRemote = (await clone.git('remote')).split('\n').includes('origin')
  const here = (ref: string) => (isRemote ? ref.replace('refs/heads/', 'refs/remotes/origin/') : ref)
  if (isRemote && call.options['offline'] !== true)
    await clone.git('fetch', '--quiet', 'origin', '+refs/heads/audit*:refs/remotes/origin/audit*')
  const audit = (await clone.repository.readRef(here(AUDIT_REF))) === null ? [] : [AUDIT_REF]
  const tags = seals.map(({ bundle, version }) => tagRefOf(bundle, version))
  return [...[LIVE_REF, ...audit].map((ref) => `${here(ref)}:${ref}`), ...tags.map((ref) => `${ref}:${ref}`)]
}

/** Writes the git bundle, and lets `verify` look at what comes out of it again. */
async function carry(
  { env }: Call,
  clone: Clone,
  refs: readonly string[],
  file: string,
  verify: (site: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'contractor-export-'))
  const [scratch, site] = [join(folder, 'scratch.git'), join(folder, 'site.git')]
  try {
    for (const path of [scratch, site]) await stockGit(folder, ['init', '--quiet', '--bare', path], env)
    await stockGit(scratch, ['fetch', '--quiet', '--no-tags', clone.root, ...refs], env)
    await stockGit(scratch, ['bundle', 'create', '--quiet', file, '--all'], env)
    await stockGit(site, ['fetch', '--quiet', '--no-tags', file, 'refs/*:refs/*'], env)
    await verify(site)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws Fault of the trust room, where a Runtime would refuse what is carried */
async function verifyCarried(
  site: string,
  root: Root,
  { oid }: VerifiedLedger,
  seals: readonly SealRecord[],
): Promise<void> {
  const repository = await openRepository(site)
  try {
    const head = (await repository.readRef(LIVE_REF)) ?? ''
    if (head !== oid) throw new Fault('UNDECIDED', '`live` moved while it was exported; run the command again.')
    const { state } = await verifyLedger({ reader: repository, root, accepted: null, head })
    for (const seal of seals) {
      const ref = tagRefOf(seal.bundle, seal.version)
      const tag = await repository.readRef(ref)
      if (tag !== seal.tag_object)
        throw new Fault('TAG_CONFLICT', `${ref} is ${tag ?? 'not there'}, \`live\` says ${seal.tag_object}`)
      await readSealedBundle(repository, seal, keysEver(state.keysets))
    }
  } finally {
    await repository.close()
  }
}

/** A statement of what is carried, for the root to sign: `contractor root sign`. */
async function writeLease(file: string, { seq, oid }: VerifiedLedger, { registry }: Root, ms: number): Promise<string> {
  const path = `${file.replace(/\.bundle$/, '')}.lease.json`
  const expires_at = new Date(Date.now() + ms).toISOString()
  await writeFile(path, formatHeartbeat({ registry, seq, head: oid, expires_at }), { flag: 'wx' })
  return path
}

type Exported = { file: string; lease: string | null; registry: string; seq: number; head: string; bundles: number }

async function report({ terminal }: Call, exported: Exported): Promise<void> {
  const { file, lease, registry, seq, bundles } = exported
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  const sha256 = hash.digest('hex')
  if (terminal.json) return terminal.out(JSON.stringify({ ...exported, sha256 }))
  terminal.out(`${terminal.style('green', '✔')} ${registry}: seq 0 to ${seq} and ${bundles} bundles verify from ${file}
  ${sha256}  is its SHA-256; compare it at the site`)
  if (lease !== null)
    terminal.out(`  ${lease}  is to be signed where the root keys are: contractor root sign ${lease} --key <root key>`)
}
