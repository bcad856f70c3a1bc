import { readSchemas } from '../../schemas/json-schema.ts'
import { REASONS, statusOf, type Reason } from '../../schemas/reasons.ts'
import { ACTIONS, PROFILES, type Action } from './actions.ts'

const SUMMARIES: Record<Action['name'], string> = {
  execute: "Answers through the tenant's bundle",
  health: 'Whether the process lives',
  ready: 'Whether it may serve',
  version: 'The version of the Runtime',
  status: 'What is served: seq, digest and age per tenant',
  metrics: 'Prometheus metrics',
  openapi: 'This document',
}

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } } }

/** What anybody may get, and what a governed action may. */
const COMMON: readonly Reason[] = ['G8_UNKNOWN_ACTION', 'G9_MISSING_PROFILE', 'INTERNAL']
const AUTHENTICATED: readonly Reason[] = ['MISSING_HEADER', 'UNAUTHENTICATED', 'FORBIDDEN', 'AUDIT_UNAVAILABLE']
const EXECUTE: readonly Reason[] = [
  'G10_BODY_PARSE_ERROR',
  'BODY_MISSING',
  'UNSUPPORTED_MEDIA_TYPE',
  'PAYLOAD_TOO_LARGE',
  'RATE_LIMITED',
  'QUOTA_EXCEEDED',
  'INPUT_INVALID',
  'INTENT_UNKNOWN',
  'REQUEST_INVALID',
  'NO_CURRENT_BUNDLE',
  'INCOMPATIBLE_RUNTIME',
  'BUNDLE_UNVERIFIED',
  'BUNDLE_REVOKED',
  'STALE',
  'STARTING',
  'POLICY_MISSING',
  'OUTPUT_INVALID',
  'REQUEST_TIMEOUT',
]

function problems(reasons: readonly Reason[]): Record<string, object> {
  const byStatus = new Map<number, Reason[]>()
  for (const reason of reasons) byStatus.set(statusOf(reason), [...(byStatus.get(statusOf(reason)) ?? []), reason])
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => {
        const description = codes.map((code) => `\`${code}\`: ${REASONS[code].title}`).join(' ')
        return [String(status), { description, content: PROBLEM }]
      }),
  )
}

function header(name: string, description: string, pattern: string, required: boolean) {
  return { name, in: 'header', required, description, schema: { type: 'string', pattern } }
}

function operationOf({ name }: Action): object {
  const { auth, body } = PROFILES[name]
  const reasons = [...COMMON, ...(auth === 'none' ? [] : AUTHENTICATED), ...(body === 'none' ? [] : EXECUTE)]
  const answer = name === 'execute' ? { schema: { $ref: '#/components/schemas/execute-response' } } : {}
  const type = name === 'metrics' ? 'text/plain' : 'application/json'
  return {
    operationId: name,
    summary: SUMMARIES[name],
    parameters: [
      header('X-Request-Id', 'Echoed, if well-formed; else one is made.', '^[A-Za-z0-9_-]{1,64}$', false),
      ...(auth === 'tenant-key'
        ? [header('X-User-Id', 'Whose limit it counts against.', '^[!-~]{1,128}$', false)]
        : []),
    ],
    security: auth === 'none' ? [] : [auth === 'tenant-key' ? { tenant: [], key: [] } : { key: [] }],
    ...(body === 'none'
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/execute-request' } } },
          },
        }),
    responses: { '200': { description: 'The answer.', content: { [type]: answer } }, ...problems(reasons) },
  }
}

function httpSchemas(): Record<string, object> {
  const found = [...readSchemas()].filter(([name]) => name.startsWith('http/'))
  return Object.fromEntries(
    found.map(([name, schema]) => {
      const { $schema: _, ...rest } = schema as { $schema?: string }
      return [name.slice('http/'.length), rest]
    }),
  )
}

/** The OpenAPI 3.1 document, from the action matrix and the JSON Schemas that the messages are checked against. */
export function openApiDocument(version: string, maxBodyBytes: number): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const action of ACTIONS) (paths[action.path] ??= {})[action.method.toLowerCase()] = operationOf(action)
  return {
    openapi: '3.1.0',
    info: {
      title: 'CONTRACTOR Runtime',
      version,
      description: `Bodies are JSON of at most ${maxBodyBytes} bytes. Errors are RFC 9457 problem documents with reason_code and request_id.`,
    },
    paths,
    components: {
      securitySchemes: {
        tenant: { type: 'apiKey', in: 'header', name: 'X-Tenant-Id' },
        key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
      schemas: httpSchemas(),
    },
  }
}
