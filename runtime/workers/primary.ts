import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DestinationStream } from 'pino'
import { Fault } from '../../schemas/fault.ts'
import { workerFolder } from '../audit/log-folders.ts'
import type { RuntimeConfig } from '../config.ts'
import { startFollowing } from '../following.ts'
import { createLog } from '../http/log.ts'
import { startCounting } from '../limits/counting.ts'
import type { LedgerFollower } from '../tenants/follow.ts'
import type { VerifiedLedger } from '../trust/ledger.ts'
import { readRoot } from '../trust/read-root.ts'
import { machineMs, type PrimaryCalls, type Standing } from './calls.ts'
import type { Answers } from './channel.ts'
import { createFleetFigures } from './fleet-figures.ts'
import { ledgerNews } from './ledger-news.ts'
import { forkWorker, type WorkerProcess } from './worker-process.ts'

export type RunningWorkers = {
  /** `http://host:port` */
  url: string
  port: number
  follower: LedgerFollower
  /** Takes what may change while it runs. */
  reload(config: RuntimeConfig): Promise<void>
  /** Process ids of the workers that serve now. */
  pids(): number[]
  /** Lets running requests end, closes every log and ends every worker. */
  stop(): Promise<void>
}

export type WorkersParts = { logDestination?: DestinationStream; now?: () => Date }

/** Opening a log may mean to read and publish much of it. */
const START_PATIENCE_MS = 120_000
/** A worker that does not serve what is verified by then is not left to serve what was. */
const NEWS_PATIENCE_MS = 60_000
const LOOK_MS = 100
const TELL_EVERY_MS = 1_000
const STOP_SPARE_MS = 10_000
/** Waits before a worker is started again; one that lived longer than `SETTLED_MS` begins anew. */
const BACKOFF = { firstMs: 100, mostMs: 10_000, settledMs: 30_000 } as const

type Served = {
  id: number
  process: WorkerProcess
  pid: number
  /** What it was told last. */
  told: VerifiedLedger | null
  /** What it has not yet said to serve. */
  telling: Set<Promise<unknown>>
  /** Seq that it serves. */
  seq: number
  isReady: boolean
}

/** Workers may only share a port that has a number. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * Starts a Runtime of several processes. The primary, this process, reads and verifies the ledger and keeps the
 * counters of limits; each worker answers requests, and has an audit log of its own. A worker that dies is started
 * again. Resolves when all of them listen.
 * @throws Fault like `startRuntime`
 */
export async function startWorkers(
  given: RuntimeConfig,
  count: number,
  parts: WorkersParts = {},
): Promise<RunningWorkers> {
  const { now = () => new Date(), logDestination = process.stderr } = parts
  const monotonicMs = () => performance.now()
  const log = createLog(given.logLevel, logDestination)
  const root = readRoot(given.trust)
  const port = given.port === 0 ? await freePort(given.host) : given.port
  let config: RuntimeConfig = { ...given, port }
  const { stateDir, auditDir, invalidKeysPerMinute } = config
  const workers = new Map<number, Served>()
  const sizes = new Map<string, number>()
  const undo: (() => Promise<void>)[] = []
  let url = ''
  let isStopping = false

  const ready = () => [...workers.values()].filter(({ isReady }) => isReady)

  async function sizesNow(): Promise<Map<string, number>> {
    const asked = await Promise.allSettled(ready().map(({ process }) => process.channel.ask('size', null)))
    for (const answer of asked) if (answer.status === 'fulfilled') sizes.set(answer.value.origin, answer.value.size)
    return sizes
  }

  const counting = await startCounting({ stateDir, invalidKeysPerMinute, log, now, monotonicMs, sizes: sizesNow })
  undo.push(() => counting.stop())

  async function stop(): Promise<void> {
    isStopping = true
    const ended = [...workers.values()].map(async ({ process }) => {
      const timeoutMs = config.drainMs + STOP_SPARE_MS
      try {
        const { origin, size } = await process.channel.ask('stop', null, timeoutMs)
        sizes.set(origin, size)
      } catch (error) {
        log.error('a worker did not stop in order', error)
      }
      process.kill()
      await process.gone
    })
    await Promise.all(ended)
    for (const step of undo.splice(0).reverse()) await step()
  }

  try {
    const ids = Array.from({ length: count }, (_, at) => at + 1)
    await counting.recountUnused(
      auditDir,
      ids.map((id) => workerFolder(auditDir, id)),
    )
    const onSwap = (verified: VerifiedLedger) => {
      for (const worker of ready()) tell(worker, verified)
    }
    const { follower, close, useToken } = await startFollowing(config, root, log, { now, onSwap })
    undo.push(close)
    const fleet = createFleetFigures(() => ready())

    const answers: Answers<PrimaryCalls> = {
      async opened({ dir, origin, published }) {
        const status = { origin, size: published, published, healthy: true, queued: 0 }
        await counting.recount(dir, { origin, status: () => status })
        return null
      },
      take: (request) => counting.store.take(request),
      takeInvalid: () => counting.store.takeInvalid(),
      async bundle(alias) {
        const ledger = follower.ledger()
        if (ledger === null) throw new Fault('STARTING', 'the ledger has not been verified yet')
        return follower.bundles.read(alias, ledger.state)
      },
      async fleet() {
        // What one worker serves already the others serve before anybody is told of it.
        await Promise.allSettled(ready().flatMap(({ telling }) => [...telling]))
        return fleet.look()
      },
    }

    function standing(): Standing {
      const { age_s, seq, ...known } = follower.status()
      const served = ready().map((worker) => worker.seq)
      return { ...known, seq: Math.min(seq, ...served), vouchedAtMs: Math.round(machineMs() - age_s * 1000) }
    }

    function tell(worker: Served, verified: VerifiedLedger): void {
      const news = ledgerNews(verified, worker.told)
      worker.told = verified
      const told = worker.process.channel.ask('ledger', news, NEWS_PATIENCE_MS).then(
        () => {
          worker.seq = verified.seq
        },
        (error: unknown) => {
          log.error('a worker does not serve what was verified, and is ended', error, { worker: worker.id })
          worker.process.kill()
        },
      )
      worker.telling.add(told)
      void told.then(() => worker.telling.delete(told))
    }

    async function run(id: number): Promise<Served> {
      const process = forkWorker(answers)
      const told = follower.ledger()
      const worker: Served = {
        id,
        process,
        pid: process.pid,
        told,
        telling: new Set(),
        seq: told?.seq ?? -1,
        isReady: false,
      }
      workers.set(id, worker)
      const ledger = told === null ? null : ledgerNews(told, null)
      try {
        const order = { worker: id, config, ledger, standing: standing() }
        const started = process.channel.ask('start', order, START_PATIENCE_MS)
        const died = process.gone.then((how) => {
          throw new Fault('INTERNAL', `worker ${id} ended before it listened: ${how}`)
        })
        const listening = await Promise.race([started, died])
        url = listening.url
      } catch (error) {
        process.kill()
        await process.gone
        throw error
      }
      worker.isReady = true
      const newest = follower.ledger()
      if (newest !== null && newest !== worker.told) tell(worker, newest)
      return worker
    }

    /** Starts a worker again whenever it is gone, each time after a longer wait. */
    async function keep(id: number, first: Served): Promise<void> {
      let worker: Served | null = first
      let waitMs: number = BACKOFF.firstMs
      let sinceMs = monotonicMs()
      for (;;) {
        if (worker !== null) {
          const how = await worker.process.gone
          worker.isReady = false
          fleet.forget(id)
          if (isStopping) return
          if (monotonicMs() - sinceMs > BACKOFF.settledMs) waitMs = BACKOFF.firstMs
          log.warn('a worker ended and is started again', { worker: id, how, wait_ms: waitMs })
        }
        await sleep(waitMs, undefined, { ref: false })
        if (isStopping) return
        waitMs = Math.min(waitMs * 2, BACKOFF.mostMs)
        sinceMs = monotonicMs()
        worker = await run(id).catch((error: unknown) => {
          log.error('a worker could not be started again', error, { worker: id })
          return null
        })
      }
    }

    const started = await Promise.allSettled(ids.map(run))
    const failed = started.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    for (const result of started) if (result.status === 'fulfilled') void keep(result.value.id, result.value)

    let toldText = ''
    let toldAtMs = -Infinity
    const timer = setInterval(() => {
      const news = standing()
      const { vouchedAtMs: _, ...known } = news
      const text = JSON.stringify(known)
      if (text === toldText && monotonicMs() - toldAtMs < TELL_EVERY_MS) return
      toldText = text
      toldAtMs = monotonicMs()
      for (const { process } of ready()) process.channel.ask('standing', news).catch(() => undefined)
    }, LOOK_MS)
    undo.push(async () => clearInterval(timer))
    log.info('workers listen', { url, workers: count })
    async function reload(next: RuntimeConfig): Promise<void> {
      config = { ...next, port }
      log.setLevel(config.logLevel)
      if (config.registryToken !== null) useToken(config.registryToken)
      await Promise.all(ready().map(({ process }) => process.channel.ask('reload', config)))
    }

    return { url, port, follower, reload, pids: () => ready().map(({ pid }) => pid), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
