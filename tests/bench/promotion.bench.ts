import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cpuTime } from '../support/cpu-time.ts'
import { faqVersion, promotion, QUESTION, startChain, TENANT, type Chain, type ChainOptions } from '../support/chain.ts'

const PROMOTIONS = 50
const NEW_VERSIONS = 15
const ASKED_EVERY_MS = 10

/**
 * From the start of `git push` to the first answer from the bundle that it promotes, as a tenant sees it: stock git
 * pushes, the controller judges and signs, the Runtime verifies and swaps, a client in a process of its own asks at a
 * steady pace. Beside it what stock git needs to sign, commit and push one file, in turns with the promotions.
 */
export async function run(): Promise<string> {
  const rows = [
    await measure('by path', { over: 'path' }),
    await measure('over smart HTTP, polled every 500 ms', { over: 'http', pollMs: 500 }),
  ]
  return [
    `${PROMOTIONS} promotions of a sealed bundle and ${NEW_VERSIONS} of a version that must first be judged and sealed; asked every ${ASKED_EVERY_MS} ms; ms`,
    '',
    '| registry | sealed p50 | sealed p99 | `git push` p50 of that | controller p50 of that | stock git signs, commits, pushes p50 | CPU of controller and Runtime | new version p50 | new version max |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

async function measure(name: string, options: ChainOptions): Promise<string> {
  const chain = await startChain(options)
  const decided: number[] = []
  chain.controller.events.subscribe((event) => {
    if (event.type === 'live') decided.push(event.ms)
  })
  const asker = startAsker(chain)
  try {
    await asker.ready
    const versions = Array.from({ length: PROMOTIONS }, (_, index) => `0.1.${index + 1}`)
    for (const version of versions) {
      await chain.commit(faqVersion(version).files, `faq ${version}`)
      await chain.git('git push -q')
      await chain.isSealed(version)
    }
    decided.length = 0
    await beginStockGit(chain)
    const cpu = cpuTime()
    const sealed = await promotions(chain, asker, versions, {})
    const cpuMs = cpu() / PROMOTIONS
    const decidedP50 = quantile(decided, 0.5)
    const fresh = await promotions(
      chain,
      asker,
      Array.from({ length: NEW_VERSIONS }, (_, index) => `0.2.${index}`),
      { withSource: true },
    )
    const figures = [
      quantile(sealed.total, 0.5),
      quantile(sealed.total, 0.99),
      quantile(sealed.push, 0.5),
      decidedP50,
      quantile(sealed.stock, 0.5),
      cpuMs,
      quantile(fresh.total, 0.5),
      Math.max(...fresh.total),
    ]
    const row = `| ${name} | ${figures.map((ms) => ms.toFixed(0)).join(' | ')} |`
    process.stderr.write(`${row}\n`)
    return row
  } finally {
    asker.stop()
    await chain.close()
  }
}

type Asker = { ready: Promise<unknown>; firstAnswerFrom(version: string): Promise<number>; stop(): void }

function startAsker({ runtime, apiKey }: Chain): Asker {
  const child = fork(fileURLToPath(new URL('./asker.js', import.meta.url)), [runtime.url, TENANT, apiKey, QUESTION])
  return {
    ready: once(child, 'message'),
    async firstAnswerFrom(version) {
      const answer = once(child, 'message')
      child.send({ version, everyMs: ASKED_EVERY_MS })
      const [{ at }] = (await answer) as [{ at: number }]
      return at
    },
    stop: () => child.disconnect(),
  }
}

async function promotions(
  chain: Chain,
  asker: Asker,
  versions: readonly string[],
  { withSource = false }: { withSource?: boolean },
) {
  const total: number[] = []
  const push: number[] = []
  const stock: number[] = []
  for (const version of versions) {
    const { files, digest } = faqVersion(version)
    await chain.commit(
      { ...(withSource ? files : {}), ...(await promotion(chain, version, digest)) },
      `promote ${version}`,
    )
    // Where in the interval of a poll a push falls is chance, also here.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 500))
    const started = performance.timeOrigin + performance.now()
    const answered = asker.firstAnswerFrom(version)
    await chain.git('git push -q')
    push.push(performance.timeOrigin + performance.now() - started)
    total.push((await answered) - started)
    if (!withSource) stock.push(await stockGit(chain, version))
  }
  return { total, push, stock }
}

/** A clone in which stock git signs commits to a branch that nobody reads. */
async function beginStockGit(chain: Chain): Promise<void> {
  await chain.git(
    'git clone -q "$(git remote get-url origin)" ../stock && cd ../stock && git switch -q -c stock && ' +
      'git config user.name ana && git config user.email ana@acme.example && ' +
      'git config gpg.format ssh && git config user.signingkey "$PWD/../ana" && git push -q -u origin stock',
  )
}

async function stockGit(chain: Chain, version: string): Promise<number> {
  const started = performance.now()
  await chain.git(
    `cd ../stock && echo ${version} > note && git add note && git commit -q -S -m ${version} && git push -q`,
  )
  return performance.now() - started
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
}
