import type { ActionName, Profile } from './actions.ts'
import type { RuntimeDeps } from './deps.ts'
import { answered, type Exchange } from './exchange.ts'
import { openApiDocument } from './openapi.ts'
import { readinessOf } from './readiness.ts'

type Handler = (exchange: Exchange) => Response | Promise<Response>

/** The routes that anybody may ask: they read no body and tell nothing about a tenant. */
export function openRoutes(
  deps: RuntimeDeps,
): Record<Exclude<ActionName, 'execute' | 'status'>, (profile: Profile) => Handler> {
  const openApi = JSON.stringify(openApiDocument(deps.settings.runtimeVersion, deps.settings.maxBodyBytes))

  function send(exchange: Exchange, status: number, type: string, body: string): Response {
    const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-request-id': exchange.requestId }
    return answered(deps, exchange, 'ALLOWED', new Response(body, { status, headers }))
  }

  function sendJson(exchange: Exchange, status: number, body: unknown): Response {
    return send(exchange, status, 'application/json', JSON.stringify(body))
  }

  return {
    health: () => (exchange) => sendJson(exchange, 200, { status: 'ok' }),
    ready: () => (exchange) => {
      const { mayServe, ...readiness } = readinessOf(deps)
      return sendJson(exchange, mayServe ? 200 : 503, readiness)
    },
    version: () => (exchange) =>
      sendJson(exchange, 200, {
        name: 'contractor-runtime',
        version: deps.settings.runtimeVersion,
        node: process.version,
      }),
    metrics: () => async (exchange) => {
      const text = deps.fleet === undefined ? await deps.metrics.render() : (await deps.fleet.look()).metrics
      return send(exchange, 200, deps.metrics.contentType, text)
    },
    openapi: () => (exchange) => send(exchange, 200, 'application/json', openApi),
  }
}
