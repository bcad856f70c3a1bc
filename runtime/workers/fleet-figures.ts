import { addFigures, renderTogether, type Executions } from '../http/metrics.ts'
import type { FleetFigures, WorkerFigures } from './calls.ts'
import type { WorkerProcess } from './worker-process.ts'

export type FleetSource = {
  look(): Promise<FleetFigures>
  /** A worker is gone: what it counted stays counted, as far as it was last asked. */
  forget(id: number): void
}

type Past = Pick<WorkerFigures, 'executions' | 'metrics'>

/** Counts go on when a worker is gone; what it was goes with it. */
function whatStays({ executions, metrics }: WorkerFigures): Past {
  const counts = metrics.filter((metric) => ['counter', 'histogram'].includes((metric as { type: string }).type))
  return { executions, metrics: counts }
}

function addUp(all: readonly Past[]): Map<string, Executions> {
  const together = new Map<string, Executions>()
  for (const { executions } of all)
    for (const [tenant, { governed, all: count }] of executions) {
      const known = together.get(tenant) ?? { governed: 0, all: 0 }
      together.set(tenant, { governed: known.governed + governed, all: known.all + count })
    }
  return together
}

/** One set for all who are gone, so that workers that die again and again take no more memory. */
async function asOne(past: readonly Past[]): Promise<Past> {
  return { executions: [...addUp(past)], metrics: await addFigures(past.map(({ metrics }) => metrics)) }
}

/** What all workers say together; who asks while it is gathered gets the same answer. */
export function createFleetFigures(ready: () => { id: number; process: WorkerProcess }[]): FleetSource {
  const last = new Map<number, WorkerFigures>()
  let gone: Past[] = []
  let looking: Promise<FleetFigures> | null = null

  async function look(): Promise<FleetFigures> {
    const asked = ready().map(async ({ id, process }) => {
      const figures = await process.channel.ask('figures', null)
      last.set(id, figures)
      return figures
    })
    const answers = await Promise.allSettled(asked)
    // Another may go in the meantime; it is added the next time.
    const known = gone.length
    if (known > 1) {
      const one = await asOne(gone.slice(0, known))
      gone = [one, ...gone.slice(known)]
    }
    const figures = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const executions = addUp([...figures, ...gone])
    const metrics = await renderTogether(
      [...figures, ...gone].map((one) => one.metrics),
      executions,
    )
    const workers = figures.map(({ view }) => view).sort((a, b) => a.worker - b.worker)
    return { workers, executions, metrics }
  }

  return {
    look() {
      looking ??= look().finally(() => (looking = null))
      return looking
    },
    forget(id) {
      const known = last.get(id)
      last.delete(id)
      if (known !== undefined) gone = [...gone, whatStays(known)]
    },
  }
}
