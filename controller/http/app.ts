import { Hono } from 'hono'
import { Fault } from '../../schemas/fault.ts'
import { faultOf, problemResponse } from '../../runtime/http/problem.ts'
import { requestIdOf } from '../../runtime/http/request-id.ts'
import type { Events } from '../events.ts'
import type { LoopStatus } from '../loop.ts'
import type { Witness } from '../witness/witness.ts'
import { auditRoutes } from './audit-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { gateRoutes, type GateRouteDeps } from './gate-routes.ts'
import { CONTROLLER_OPENAPI } from './openapi.ts'
import { registryRoutes } from './registry-routes.ts'
import { webhookRoutes, type WebhookDeps } from './webhook-routes.ts'

export type ControllerAppDeps = GateRouteDeps &
  WebhookDeps & {
    events: Events
    witness: Witness
    status: () => LoopStatus
    isDraining: () => boolean
    onInternal: (error: unknown) => void
  }

/** The controller's HTTP side (DESIGN section 6). Whatever is not a route is denied. */
export function createControllerApp(deps: ControllerAppDeps) {
  return new Hono<{ Variables: { requestId: string } }>()
    .use(async (c, next) => {
      const requestId = requestIdOf(c.req.raw.headers)
      c.set('requestId', requestId)
      await next()
      c.header('X-Request-Id', requestId)
      c.header('Cache-Control', 'no-store')
    })
    .get('/healthz', (c) => c.json({ status: 'ok' }))
    .get('/readyz', (c) => {
      const { lookedAt, ...status } = deps.status()
      const age_s = Math.max(0, Math.round((deps.now().getTime() - lookedAt.getTime()) / 1000))
      return c.json({ ...status, age_s }, status.status === 'ready' ? 200 : 503)
    })
    .get('/openapi.json', (c) => c.json(CONTROLLER_OPENAPI))
    .route('/', registryRoutes(deps))
    .route('/', eventRoutes(deps))
    .route('/', auditRoutes(deps))
    .route('/', gateRoutes(deps))
    .route('/', webhookRoutes(deps))
    .notFound((c) => {
      const fault = new Fault('G8_UNKNOWN_ACTION', 'no action exists for this path and method')
      return problemResponse(fault, c.get('requestId'))
    })
    .onError((error, c) => {
      const fault = faultOf(error)
      if (fault.reason === 'INTERNAL') deps.onInternal(error)
      return problemResponse(fault, c.get('requestId'))
    })
}
