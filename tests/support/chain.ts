import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hashOfApiKey, newApiKey } from '../../controller/cli/keys.ts'
import { entriesFrom } from '../../controller/cli/log.ts'
import { readControllerConfig } from '../../controller/config.ts'
import { startController, type RunningController } from '../../controller/start.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { readRuntimeConfig } from '../../runtime/config.ts'
import { startRuntime, type RunningRuntime } from '../../runtime/start.ts'
import { LIVE_REF } from '../../runtime/trust/ledger.ts'
import type { Decision, Entry } from '../../schemas/ledger/entry.ts'
import { ask, type Asked } from './execute.ts'
import { emptyEnvironment } from './embedded.ts'
import { eventually } from './eventually.ts'
import { serveGit } from './git-http-server.ts'
import { faq } from './scaffold.ts'
import { OPERATOR_KEY } from './runtime-app.ts'
import { mustRun } from './shell.ts'
import { aliasFile, openTestRegistry, RULES, type FileChanges, type TestRegistry } from './test-registry.ts'

/** A registry with one tenant, a controller and a Runtime, and an engineer's clone; real gates and the bundle of `new bundle`. */
export type Chain = {
  registry: TestRegistry
  controller: RunningController
  runtime: RunningRuntime
  env: NodeJS.ProcessEnv
  /** The engineer's clone. */
  work: string
  /** Runs lines of stock git in the clone. */
  git(script: string): Promise<string>
  /** The tenant's key. */
  apiKey: string
  /** Writes files in the clone and commits them; null removes one. */
  commit(files: FileChanges, message: string): Promise<void>
  ask(question?: string): Promise<Asked>
  /** Waits until the Runtime answers from this version. */
  answersFrom(version: string): Promise<void>
  /** Waits until the version of `faq` is sealed. */
  isSealed(version: string): Promise<void>
  /** Of the newest entry of `live`. */
  seq(): Promise<number>
  /** Every entry of `live` above this seq, oldest first. */
  entriesAbove(seq: number): Promise<Entry[]>
  /** Waits for a decision about the subject in an entry above this seq, and for the controller to go on from it. */
  decidedAbove(seq: number, subject: string): Promise<Decision>
  close(): Promise<void>
}

export const TENANT = 'acme'
export const QUESTION = 'What are your opening hours?'

export type ChainOptions = { over: 'path' | 'http'; pollMs?: number; rules?: string; isWitnessed?: boolean }

export async function startChain({
  over,
  pollMs = 500,
  rules = RULES,
  isWitnessed = false,
}: ChainOptions): Promise<Chain> {
  const registry = await openTestRegistry(rules)
  const apiKey = newApiKey(TENANT, 'test')
  await registry.commit({
    [`tenants/${TENANT}/tenant.yaml`]: 'status: active\nlimits: { execute_per_minute: 600000 }\n',
    [`tenants/${TENANT}/keys.yaml`]: `keys:\n  - { id: test, sha256: ${hashOfApiKey(apiKey)}, scopes: [execute, execute:candidate] }\n`,
  })
  const env = await emptyEnvironment()
  const server = over === 'http' ? await serveGit({ root: registry.folder }) : null
  const location = server === null ? registry.location : `${server.url}/registry.git`
  const trust = join(registry.folder, 'root.json')
  await writeFile(trust, JSON.stringify(registry.root))
  const settings = {
    CONTRACTOR_REGISTRY: location,
    CONTRACTOR_TRUST: trust,
    CONTRACTOR_POLL_INTERVAL_MS: String(pollMs),
  }
  const controller = await startController(
    readControllerConfig(
      {},
      {
        ...settings,
        CONTRACTOR_KEYS: registry.folder,
        CONTRACTOR_STATE_DIR: join(registry.folder, 'controller-state'),
        CONTRACTOR_CONTROLLER_PORT: '0',
        CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY,
      },
    ),
  )
  const runtime = await startRuntime(
    readRuntimeConfig(
      {},
      {
        ...settings,
        CONTRACTOR_STATE_DIR: join(registry.folder, 'runtime-state'),
        CONTRACTOR_NODE: 'test',
        CONTRACTOR_RUNTIME_PORT: '0',
        CONTRACTOR_LOG_LEVEL: 'silent',
        ...(isWitnessed && { CONTRACTOR_CONTROLLER_URL: controller.url, CONTRACTOR_CHECKPOINT_KEY: OPERATOR_KEY }),
      },
    ),
  )
  const work = join(registry.folder, 'work')
  await mustRun(
    `git clone -q ${location} work && cd work && git config user.name ana && git config user.email ana@acme.example`,
    registry.folder,
    env,
  )
  async function entriesAbove(seq: number): Promise<Entry[]> {
    const entries: Entry[] = []
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    for await (const entry of entriesFrom(registry.repository, head)) {
      if (entry.seq <= seq) break
      entries.unshift(entry)
    }
    return entries
  }
  async function seqOfLive(): Promise<number> {
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    for await (const entry of entriesFrom(registry.repository, head)) return entry.seq
    throw new Error('live has no entry')
  }
  const asked = (question = QUESTION) => ask(runtime.url, { tenant: TENANT, api_key: apiKey }, question)
  return {
    registry,
    controller,
    runtime,
    env,
    work,
    apiKey,
    git: (script) => mustRun(script, work, env),
    async commit(files, message) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true })
        if (text === null) await rm(join(work, path))
        else await writeFile(join(work, path), text)
      }
      await mustRun(`git add -A && git commit -q -m '${message}'`, work, env)
    },
    ask: asked,
    async answersFrom(version) {
      await eventually(asked, ({ body }) => body.bundle?.version === version, 30_000)
    },
    async isSealed(version) {
      await eventually(
        async () => controller.head().state.seals.has(`faq/${version}`),
        (sealed) => sealed,
        30_000,
      )
    },
    seq: seqOfLive,
    entriesAbove,
    async decidedAbove(seq, subject) {
      const about = ({ decisions }: Entry) => decisions.find((decision) => decision.subject === subject)
      const entries = await eventually(
        () => entriesAbove(seq),
        (found) => found.some((entry) => about(entry) !== undefined),
        30_000,
      )
      const entry = entries.find((found) => about(found) !== undefined)!
      await eventually(
        async () => controller.head().seq,
        (known) => known >= entry.seq,
      )
      return about(entry)!
    },
    async close() {
      await runtime.stop()
      await controller.stop()
      await server?.close()
      await registry.close()
    },
  }
}

/** Files of one version of the bundle `faq`, which differs from the others in what it answers. */
export function faqVersion(version: string): { files: FileChanges; digest: string } {
  const source = faq({
    'manifest.yaml': (text) => text.replace('bundle_version: 0.1.0', `bundle_version: ${version}`),
    'policies/rate_limit.yaml': 'execute:\n  per_minute: 600000\n',
    'templates/contact.j2': (text) => text.replace('Write to', `Version ${version}: write to`),
    'suites/golden.json': (text) => text.replace('Write to', `Version ${version}: write to`),
  })
  const files = Object.fromEntries([...source].map(([path, body]) => [`bundles/faq/${path}`, body.toString()]))
  return { files, digest: compileBundle(source, 1).digest }
}

/** Alias files and the approval that promote a version to `current`. */
export async function promotion(
  { registry, controller }: Chain,
  version: string,
  digest: string,
): Promise<FileChanges> {
  const alias = aliasFile('faq', version, digest)
  const approval = await registry.approval('ben', {
    tenant: TENANT,
    alias: 'current',
    digest,
    state: controller.head().state,
  })
  return {
    [`tenants/${TENANT}/aliases/candidate.yaml`]: alias,
    [`tenants/${TENANT}/aliases/current.yaml`]: alias,
    ...approval,
  }
}
