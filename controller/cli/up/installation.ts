import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { readRuntimeConfig } from '../../../runtime/config.ts'
import { startRuntime, type RunningRuntime } from '../../../runtime/start.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import { readControllerConfig } from '../../config.ts'
import { startController, type RunningController } from '../../start.ts'
import type { Secrets } from './api-keys.ts'
import { commitBranches, commitTip, createRegistry, type Creation } from './create.ts'
import type { Home } from './home.ts'
import { makeWorkClone } from './work-clone.ts'

export type Installation = {
  controller: RunningController
  runtime: RunningRuntime
  secrets: Secrets
  stop(): Promise<void>
}
export type Ports = { controller: number; runtime: number }

const PATIENCE_MS = 120_000
/** chokidar tells of changes; this is how long a lost hint can cost. */
const POLL_MS = '500'

/** Starts what stands at `home`, or makes it first. Answers when every tenant's `current` is served. */
export async function startInstallation(
  home: Home,
  ports: Ports,
  onController: (controller: RunningController) => void,
  env: NodeJS.ProcessEnv,
): Promise<Installation> {
  const creation = existsSync(home.work) ? null : await createRegistry(home, () => new Date())
  const secrets = JSON.parse(await readFile(home.secrets, 'utf8')) as Secrets
  const shared = {
    CONTRACTOR_REGISTRY: home.registry,
    CONTRACTOR_TRUST: home.root,
    CONTRACTOR_OPERATOR_KEY: secrets.operator_key,
    CONTRACTOR_POLL_INTERVAL_MS: POLL_MS,
  }
  const controller = await startController(
    readControllerConfig(
      {},
      {
        ...shared,
        CONTRACTOR_KEYS: home.keys,
        CONTRACTOR_STATE_DIR: home.controller,
        CONTRACTOR_CONTROLLER_PORT: String(ports.controller),
      },
    ),
  )
  onController(controller)
  try {
    const runtime = await startRuntime(
      readRuntimeConfig(
        {},
        {
          ...shared,
          CONTRACTOR_STATE_DIR: home.runtime,
          CONTRACTOR_NODE: 'embedded',
          CONTRACTOR_CONTROLLER_URL: controller.url,
          CONTRACTOR_CHECKPOINT_KEY: secrets.operator_key,
          CONTRACTOR_RUNTIME_PORT: String(ports.runtime),
          CONTRACTOR_LOG_LEVEL: 'silent',
        },
      ),
    )
    const stop = async () => {
      await runtime.stop()
      await controller.stop()
    }
    try {
      if (creation !== null) await complete(creation, home, controller, env)
      await rm(home.making, { force: true })
      await untilServed(controller, runtime)
      return { controller, runtime, secrets, stop }
    } catch (error) {
      await runtime.stop()
      throw error
    }
  } catch (error) {
    await controller.stop()
    throw error
  }
}

async function complete(
  creation: Creation,
  home: Home,
  controller: RunningController,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const first = await untilHeld(controller, creation.example.first)
  const tip = await commitTip(creation, first, () => new Date())
  await controller.reconcileNow()
  const second = await untilHeld(controller, creation.example.tip)
  await commitBranches(tip, second, () => new Date())
  await creation.repository.close()
  await makeWorkClone(home, env)
}

/** Waits until every `current` of the files is what `live` says. */
function untilHeld(controller: RunningController, files: ReadonlyMap<string, Buffer>): Promise<LedgerState> {
  const wanted = [...files].flatMap(([path, body]) => {
    const tenant = /^tenants\/([^/]+)\/aliases\/current\.yaml$/.exec(path)?.[1]
    return tenant === undefined ? [] : [{ tenant, digest: /^digest: (\S+)$/m.exec(body.toString())?.[1] }]
  })
  const held = ({ tenants }: LedgerState) =>
    wanted.every(({ tenant, digest }) => tenants.get(tenant)?.aliases.current?.digest === digest)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => end(new Fault('UNDECIDED', `The first promotions were not live within ${PATIENCE_MS / 1000} s.`)),
      PATIENCE_MS,
    )
    const unsubscribe = controller.events.subscribe((event) => {
      const refused = event.type === 'live' ? event.decisions.find(({ decision }) => decision === 'deny') : undefined
      if (refused !== undefined) end(new Fault(refused.reason_code, `${refused.subject}: ${refused.message}`))
      else look()
    })
    const end = (fault: Fault | null) => {
      clearTimeout(timer)
      unsubscribe()
      if (fault === null) resolve(controller.head().state)
      else reject(fault)
    }
    const look = () => {
      if (held(controller.head().state)) end(null)
    }
    look()
  })
}

/** Waits until the Runtime serves every active tenant's `current` of the controller's head. */
async function untilServed(controller: RunningController, { follower }: RunningRuntime): Promise<void> {
  const ends = performance.now() + PATIENCE_MS
  while (follower.status().seq < controller.head().seq || follower.status().status === 'starting') {
    if (performance.now() > ends) {
      const { reason_code, message } = follower.status()
      throw new Fault(
        reason_code ?? 'UNDECIDED',
        message ?? `The Runtime did not follow within ${PATIENCE_MS / 1000} s.`,
      )
    }
    await follower.sync()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
