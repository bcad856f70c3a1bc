import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readRuntimeConfig } from '../../../runtime/config.ts'
import { initBareRepository } from '../../../runtime/git/init-repository.ts'
import { openRepository, type Repository } from '../../../runtime/git/repository.ts'
import { startRuntime } from '../../../runtime/start.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Root } from '../../../schemas/ledger/trust.ts'
import { openEvents } from '../../events.ts'
import { openSandbox } from '../../gates/sandbox.ts'
import { nothingCompared } from '../../gates/shadow.ts'
import { startLoop, type Loop } from '../../loop.ts'
import { createGenesis } from '../../promotion/genesis.ts'
import { openMemoryFiles } from '../../promotion/memory-files.ts'
import { commitFiles } from '../up/example-commits.ts'
import { makeKeys, type EmbeddedKeys } from '../up/people.ts'

/** A Runtime that serves one tenant, from a registry of its own. */
export type Rehearsal = { url: string; stop(): Promise<void> }

const PATIENCE_MS = 120_000
const AUTHOR = { id: 'rehearsal', name: 'Rehearsal', email: 'rehearsal@example.org' }

/**
 * Makes a registry in a temporary folder, promotes what its files name, and starts a Runtime on a free port that serves
 * it, with every check that production makes. `filesOf` gives the files for the key of the one owner.
 * @throws Fault with the reason of the refusal, where the gates refuse the bundle
 */
export async function startRehearsal(
  tenant: string,
  filesOf: (publicKey: string) => ReadonlyMap<string, Buffer>,
): Promise<Rehearsal> {
  const folder = await mkdtemp(join(tmpdir(), 'contractor-run-'))
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const location = join(folder, 'registry.git')
    await initBareRepository(location)
    const repository = await openRepository(location)
    undo.push(() => repository.close())
    const keys = await makeKeys(join(folder, 'keys'))
    const files = filesOf(keys.author.publicKey)
    const commit = { branch: 'main', parent: null, message: 'rehearsal', author: AUTHOR, at: new Date(), files }
    await commitFiles(repository, commit)
    const root = await createGenesis({
      repository,
      rootSigners: [keys.root],
      controllerSigner: keys.controller,
      heartbeatPublicKey: keys.heartbeat.publicKey,
      now: () => new Date(),
    })
    await writeFile(join(folder, 'root.json'), JSON.stringify(root))
    const loop = await startRehearsalLoop(folder, repository, root, keys)
    undo.push(() => loop.stop())
    await untilCurrent(loop, tenant)
    const runtime = await startRuntime(
      readRuntimeConfig(
        {},
        {
          CONTRACTOR_REGISTRY: location,
          CONTRACTOR_TRUST: join(folder, 'root.json'),
          CONTRACTOR_STATE_DIR: join(folder, 'runtime'),
          CONTRACTOR_RUNTIME_PORT: '0',
          CONTRACTOR_NODE: 'rehearsal',
          CONTRACTOR_LOG_LEVEL: 'silent',
        },
      ),
    )
    undo.push(() => runtime.stop())
    await runtime.follower.sync()
    const { status, reason_code, message } = runtime.follower.status()
    if (status !== 'ready') throw new Fault(reason_code ?? 'UNDECIDED', message ?? `The Runtime is ${status}.`)
    return { url: runtime.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type Refusals = { refused: () => Fault | null }

async function startRehearsalLoop(
  folder: string,
  repository: Repository,
  root: Root,
  keys: EmbeddedKeys,
): Promise<Loop & Refusals> {
  const events = openEvents(() => new Date())
  let refused: Fault | null = null
  events.subscribe((event) => {
    const denial = event.type === 'live' ? event.decisions.find(({ decision }) => decision === 'deny') : undefined
    if (denial !== undefined) refused ??= new Fault(denial.reason_code, `${denial.subject}: ${denial.message}`)
    if (event.type === 'fault') refused ??= new Fault(event.reason_code, event.message)
  })
  const loop = await startLoop({
    repository,
    root,
    signer: keys.controller,
    heartbeatSigner: keys.heartbeat,
    memory: await openMemoryFiles(join(folder, 'controller')),
    sandbox: openSandbox(),
    events,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    pollIntervalMs: 100,
    heartbeatIntervalMs: 60_000,
    heartbeatValidMs: 600_000,
    comparisons: () => nothingCompared,
  })
  return { ...loop, refused: () => refused }
}

async function untilCurrent(loop: Loop & Refusals, tenant: string): Promise<void> {
  const ends = performance.now() + PATIENCE_MS
  while (loop.head().state.tenants.get(tenant)?.aliases.current === undefined) {
    const fault = loop.refused()
    if (fault !== null) throw fault
    if (performance.now() > ends)
      throw new Fault('UNDECIDED', `The bundle was not promoted within ${PATIENCE_MS / 1000} s.`)
    await loop.reconcileNow()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
