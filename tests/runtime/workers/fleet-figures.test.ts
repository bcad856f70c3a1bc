import { describe, expect, it } from 'vitest'
import type { AuditStatus } from '../../../runtime/audit/log.ts'
import { createMetrics } from '../../../runtime/http/metrics.ts'
import type { WorkerFigures } from '../../../runtime/workers/calls.ts'
import { createFleetFigures } from '../../../runtime/workers/fleet-figures.ts'
import type { WorkerProcess } from '../../../runtime/workers/worker-process.ts'

const audit = (): AuditStatus => ({ origin: 'acme/n', size: 0, published: 0, queued: 0, healthy: true })

/** What a worker would say that answered so many requests, each in 3 ms. */
async function figuresOf(requests: number): Promise<WorkerFigures> {
  const metrics = createMetrics({ audit, ledger: () => ({ seq: 1, ageS: 0, trouble: null }) })
  for (let n = 0; n < requests; n += 1) {
    metrics.observe({
      action: 'execute',
      status: 200,
      method: 'POST',
      decision: 'allow',
      reason: 'ALLOWED',
      seconds: 0.003,
    })
    metrics.executed('acme', n > 0)
  }
  const view = { worker: 1 } as WorkerFigures['view']
  // As they come from another process.
  return structuredClone({ view, executions: [...metrics.executions()], metrics: await metrics.figures() })
}

describe('figures of a fleet of workers', () => {
  it('count on over workers that died, in as much memory as one takes', async () => {
    let living: { id: number; process: WorkerProcess }[] = []
    const fleet = createFleetFigures(() => living)
    const joins = async (id: number, requests: number) => {
      const figures = await figuresOf(requests)
      living = [{ id, process: { channel: { ask: async () => figures } } as unknown as WorkerProcess }]
    }
    for (let id = 1; id <= 30; id += 1) {
      await joins(id, 4)
      await fleet.look()
      fleet.forget(id)
    }
    await joins(31, 5)
    const { executions, metrics } = await fleet.look()
    expect(executions.get('acme')).toEqual({ governed: 30 * 3 + 4, all: 125 })
    expect(metrics).toContain('http_requests_total{action="execute",status="200",method="POST"} 125')
    expect(metrics).toContain('http_request_duration_seconds_count{action="execute"} 125')
    expect(metrics).toContain('http_request_duration_seconds_bucket{le="0.005",action="execute"} 125')
    expect(metrics).toContain('http_request_duration_seconds_bucket{le="0.0025",action="execute"} 0')
    const again = (await fleet.look()).metrics
    expect(again).toContain('http_request_duration_seconds_count{action="execute"} 125')
  })
})
