import { readSchemas } from '../../schemas/json-schema.ts'
import { PACKAGE_VERSION } from '../../schemas/package-root.ts'

type Route = {
  summary: string
  open?: boolean
  answer?: string
  codes?: readonly string[]
  /** Names of schemas, `http/<name>`. */
  schema?: string
  query?: readonly string[]
  post?: Post
}

type Post = { summary: string; body: string; codes: readonly string[]; schema?: string; accepts?: string }

const WEBHOOKS: Record<string, string> = {
  '/webhooks/github': 'A hint to look, proved by X-Hub-Signature-256',
  '/webhooks/gitlab': 'A hint to look, proved by webhook-signature or X-Gitlab-Token',
  '/webhooks/gitea': 'A hint to look, proved by X-Gitea-Signature',
}

const ROUTES: Record<string, Route> = {
  '/healthz': { summary: 'Whether the process lives', open: true },
  '/readyz': { summary: 'Whether main and live were looked at without a fault', open: true, codes: ['503'] },
  '/openapi.json': { summary: 'This document', open: true },
  '/v1/tenants': { summary: 'Tenants that the key may see, with what their aliases hold' },
  '/v1/tenants/{tenant}/aliases/{alias}': { summary: 'What an alias resolves to (ADR 0010)', codes: ['404'] },
  '/v1/bundles': { summary: 'Sealed bundles and their versions' },
  '/v1/bundles/{name}': { summary: 'Every sealed version of a bundle', codes: ['404'] },
  '/v1/bundles/{name}/{version}': { summary: 'The seal of one bundle version', codes: ['404'] },
  '/v1/audit/checkpoints': {
    summary: 'The checkpoint of a log (query: origin) that was witnessed last',
    codes: ['404'],
    query: ['origin'],
    post: {
      summary: 'Have a checkpoint of a Runtime witnessed, and tell what it serves',
      body: 'checkpoint-report',
      codes: ['409', '413', '415', '422'],
    },
  },
  '/v1/gates/runs': {
    summary: 'Runs of the gates, newest first; next goes into after',
    query: ['bundle', 'limit', 'after'],
    codes: ['422'],
    post: {
      summary: 'Run the gates over a sealed version, or over a source at a commit',
      body: 'gate-run-request',
      schema: 'gate-run',
      accepts: 'Accepted; Location names the run',
      codes: ['404', '413', '415', '422', '429', '503'],
    },
  },
  '/v1/gates/runs/{id}': { summary: 'One run, and its report', codes: ['404'], schema: 'gate-run' },
  '/v1/runtimes': { summary: 'What each Runtime reported last: log, ledger and bundles' },
  '/v1/events': { summary: 'What happens, as server-sent events', answer: 'text/event-stream' },
}

const PROBLEM = {
  description: 'RFC 9457, with reason_code and request_id',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** The document of `GET /openapi.json`. */
export const CONTROLLER_OPENAPI = {
  openapi: '3.1.0',
  info: { title: 'CONTRACTOR controller', version: PACKAGE_VERSION },
  paths: Object.fromEntries([
    ...Object.entries(ROUTES).map(([path, route]) => [path, operations(path, route)]),
    ...Object.entries(WEBHOOKS).map(([path, summary]) => [path, { post: webhook(summary) }]),
  ]),
  components: {
    securitySchemes: {
      tenant: { type: 'apiKey', in: 'header', name: 'X-Tenant-Id' },
      key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
    },
    schemas: {
      ...messageSchemas(['checkpoint-report', 'gate-run-request', 'gate-run']),
      Problem: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'reason_code', 'request_id'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          hint: { type: 'string' },
          reason_code: { type: 'string' },
          request_id: { type: 'string' },
        },
      },
    },
  },
} as const

function operations(path: string, route: Route) {
  const get = operation(path, route)
  if (route.post === undefined) return { get }
  const { body, accepts, ...post } = route.post
  const { responses, ...rest } = operation(path, post)
  const requestBody = { required: true, content: contentOf('application/json', body) }
  const accepted = accepts === undefined ? {} : { 202: { description: accepts, content: responses['200']?.content } }
  return { get, post: { ...rest, requestBody, responses: { ...responses, ...accepted } } }
}

function webhook(summary: string) {
  const refusals = ['401', '403', '413', '429'].map((code) => [code, PROBLEM])
  const answers = { 200: { description: 'Seen before' }, 202: { description: 'Accepted' } }
  return { summary, security: [], responses: { ...answers, ...Object.fromEntries(refusals) } }
}

function contentOf(type: string, schema: string | undefined): Record<string, object> {
  return { [type]: schema === undefined ? {} : { schema: { $ref: `#/components/schemas/${schema}` } } }
}

function operation(path: string, { summary, open, answer, codes = [], schema, query = [] }: Route) {
  const refusals = open === true ? codes : ['400', '401', '403', ...codes]
  return {
    summary,
    security: open === true ? [] : [{ tenant: [], key: [] }, { key: [] }],
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name ?? '', 'path')),
      ...query.map((name) => parameter(name, 'query')),
    ],
    responses: {
      '200': { description: 'OK', content: contentOf(answer ?? 'application/json', schema) },
      ...Object.fromEntries(refusals.map((code) => [code, PROBLEM])),
    } as Record<string, { description: string; content: object }>,
  }
}

function parameter(name: string, where: 'path' | 'query') {
  return { name, in: where, required: where === 'path', schema: { type: 'string' } }
}

/** The JSON Schemas that messages are checked against. */
function messageSchemas(names: readonly string[]): Record<string, object> {
  const all = readSchemas()
  return Object.fromEntries(
    names.map((name) => {
      const { $schema: _, ...schema } = all.get(`http/${name}`) as { $schema?: string }
      return [name, schema]
    }),
  )
}
