import { faqVersion, promotion, startChain, type Chain, type ChainOptions } from '../support/chain.ts'

const PROMOTIONS = 50
const NEW_VERSIONS = 15

/**
 * From the start of `git push` to the first answer from the bundle that it promotes, as a tenant sees it: stock git
 * pushes, the controller judges and signs, the Runtime verifies and swaps, an HTTP client asks without pause.
 */
export async function run(): Promise<string> {
  const rows = [
    await measure('by path', { over: 'path' }),
    await measure('over smart HTTP, polled every 500 ms', { over: 'http', pollMs: 500 }),
  ]
  return [
    `${PROMOTIONS} promotions of a sealed bundle and ${NEW_VERSIONS} of a version that must first be judged and sealed; ms`,
    '',
    '| registry | sealed p50 | sealed p99 | `git push` p50 of that | new version p50 | new version max |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

async function measure(name: string, options: ChainOptions): Promise<string> {
  const chain = await startChain(options)
  try {
    const versions = Array.from({ length: PROMOTIONS }, (_, index) => `0.1.${index + 1}`)
    for (const version of versions) {
      await chain.commit(faqVersion(version).files, `faq ${version}`)
      await chain.git('git push -q')
      await chain.isSealed(version)
    }
    const sealed = await promotions(chain, versions, {})
    const fresh = await promotions(
      chain,
      Array.from({ length: NEW_VERSIONS }, (_, index) => `0.2.${index}`),
      { withSource: true },
    )
    const figures = [
      quantile(sealed.total, 0.5),
      quantile(sealed.total, 0.99),
      quantile(sealed.push, 0.5),
      quantile(fresh.total, 0.5),
      Math.max(...fresh.total),
    ]
    const row = `| ${name} | ${figures.map((ms) => ms.toFixed(0)).join(' | ')} |`
    process.stderr.write(`${row}\n`)
    return row
  } finally {
    await chain.close()
  }
}

async function promotions(chain: Chain, versions: readonly string[], { withSource = false }: { withSource?: boolean }) {
  const total: number[] = []
  const push: number[] = []
  for (const version of versions) {
    const { files, digest } = faqVersion(version)
    await chain.commit(
      { ...(withSource ? files : {}), ...(await promotion(chain, version, digest)) },
      `promote ${version}`,
    )
    const started = performance.now()
    await chain.git('git push -q')
    push.push(performance.now() - started)
    while ((await chain.ask()).body.bundle?.version !== version)
      if (performance.now() - started > 30_000) throw new Error(`${version} never came`)
    total.push(performance.now() - started)
  }
  return { total, push }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
}
