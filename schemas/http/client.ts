import type { ExecuteRequest, ExecuteResponse } from './execute.ts'
import type { ProblemDetails } from './problem.ts'

export type ClientOptions = {
  /** Base URL of the Runtime, such as `https://runtime.example.org`. */
  url: string
  tenant: string
  apiKey: string
  /** Milliseconds until a request is given up; 65 s by default, a little more than the Runtime's own deadline. */
  timeoutMs?: number
}

export type ExecuteOptions = Pick<ExecuteRequest, 'intent' | 'alias'> & {
  /** `[A-Za-z0-9_-]{1,64}`; the Runtime makes one where it is left out. */
  requestId?: string
  /** Of whom the limits per user count; never stored as it is. */
  userId?: string
  signal?: AbortSignal
}

/** A refusal of the Runtime (RFC 9457); `problem.reason_code` is contract. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly problem: ProblemDetails
  /** Seconds of `Retry-After`, where the Runtime gave them. */
  readonly retryAfterS: number | null

  constructor(problem: ProblemDetails, retryAfterS: number | null) {
    super(`${problem.reason_code}: ${problem.detail}`)
    this.problem = problem
    this.retryAfterS = retryAfterS
  }
}

export type Client = {
  /** @throws `Refused` for an answer that is a problem; the faults of `fetch` for none. */
  execute(input: Record<string, unknown>, options?: ExecuteOptions): Promise<ExecuteResponse>
}

/** A client of `POST /execute` for services of one tenant. */
export function createClient({ url, tenant, apiKey, timeoutMs = 65_000 }: ClientOptions): Client {
  const endpoint = new URL('/execute', url)
  return {
    async execute(input, { requestId, userId, signal, ...rest } = {}) {
      const timeout = AbortSignal.timeout(timeoutMs)
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'X-Tenant-Id': tenant,
          'X-Api-Key': apiKey,
          ...(requestId !== undefined && { 'X-Request-Id': requestId }),
          ...(userId !== undefined && { 'X-User-Id': userId }),
        },
        body: JSON.stringify({ input, ...rest }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      const body: unknown = await response.json()
      if (response.ok) return body as ExecuteResponse
      const after = response.headers.get('Retry-After')
      throw new Refused(body as ProblemDetails, after === null ? null : Number(after))
    },
  }
}
