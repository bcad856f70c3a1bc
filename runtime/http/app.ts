import { Hono } from 'hono'
import { Fault } from '../../schemas/fault.ts'
import type { Action, ActionName, Profile } from './actions.ts'
import type { RuntimeDeps } from './deps.ts'
import { openExchange, refused, refuseStranger, type Exchange } from './exchange.ts'
import { createExecuteRoute } from './execute-route.ts'
import { decideAction, MATRIX, type ActionMatrix } from './gate.ts'
import { openRoutes } from './open-routes.ts'
import type { Connection } from './read-body.ts'
import { createStatusRoute } from './status-route.ts'

/** Answers one action. A new action does not compile before it has a handler. */
type Handlers = Record<ActionName, (profile: Profile) => (exchange: Exchange) => Response | Promise<Response>>

const DENIALS = {
  G8_UNKNOWN_ACTION: 'no action exists for this path and method',
  G9_MISSING_PROFILE: 'the action has no profile',
} as const

/**
 * The path as it came, without the query: what is percent-encoded stays so and matches nothing, and so does a path with
 * dots, which the URL of a `Request` has resolved already.
 */
function rawPath(request: Request, options?: { env?: Connection }): string {
  const target = options?.env?.incoming?.url ?? request.url
  const from = target.startsWith('/') ? 0 : target.indexOf('/', target.indexOf('://') + 3)
  const query = target.indexOf('?', from)
  return query === -1 ? target.slice(from) : target.slice(from, query)
}

/**
 * The Runtime's HTTP side. The routes are built from the action matrix, and whatever it does not name is denied; no
 * middleware stands between a route and its handler.
 */
export function createRuntimeApp(deps: RuntimeDeps, matrix: ActionMatrix = MATRIX): Hono<{ Bindings: Connection }> {
  const app = new Hono<{ Bindings: Connection }>({ getPath: rawPath })
  const handlers: Handlers = {
    execute: (profile) => createExecuteRoute(deps, profile),
    status: () => createStatusRoute(deps),
    ...openRoutes(deps),
  }

  function deny(
    request: Request,
    connection: Connection,
    reason: keyof typeof DENIALS,
    action: Action | null,
  ): Response {
    const exchange = openExchange(deps, request, connection, action, null)
    return refuseStranger(deps, exchange, new Fault(reason, DENIALS[reason]))
  }

  for (const { method, path } of matrix.actions) {
    const gate = decideAction(matrix, method, path)
    if (gate.decision === 'deny') {
      app.on(method, path, (c) => deny(c.req.raw, c.env ?? {}, gate.reason, gate.action))
      continue
    }
    const { action, profile } = gate
    const handle = handlers[action.name](profile)
    app.on(method, path, (c) => handle(openExchange(deps, c.req.raw, c.env ?? {}, action, profile)))
  }
  app.notFound((c) => deny(c.req.raw, c.env ?? {}, 'G8_UNKNOWN_ACTION', null))
  app.onError((error, c) => refused(deps, openExchange(deps, c.req.raw, c.env ?? {}, null, null), error))
  return app
}
