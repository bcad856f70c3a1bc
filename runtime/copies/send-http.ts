import { CopyFailure, type Send } from './copied.ts'
import { otlpBody, rejectedBy } from './otlp.ts'
import type { CopyTarget } from './copy-settings.ts'

type HttpTarget = Extract<CopyTarget, { url: string }>

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 65_536
const MAX_RETRY_AFTER_S = 60
/** What OTLP and common sense call a passing trouble. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/** `POST` of JSON lines, or of OTLP/HTTP logs. A redirect is not followed: the operator named this place and no other. */
export function sendOverHttp(target: HttpTarget, service: { version: string; node: string }): Send {
  const headers: Record<string, string> = {
    'content-type': target.to === 'otlp' ? 'application/json' : 'application/x-ndjson',
    ...(target.header !== null && { [target.header[0]]: target.header[1] }),
  }
  return async (batch) => {
    const body = target.to === 'otlp' ? otlpBody(batch, service) : batch.map(({ line }) => `${line}\n`).join('')
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(target.url, { method: 'POST', headers, body, redirect: 'manual', signal })
    const answer = await readAnswer(response)
    if (!response.ok) throw failureOf(response)
    const rejected = target.to === 'otlp' ? rejectedBy(answer) : 0
    if (rejected > 0) throw new CopyFailure('never', `the collector rejected ${rejected} of ${batch.length} records`)
  }
}

function failureOf({ status, headers }: Response): CopyFailure {
  const message = `the copy was answered with status ${status}`
  if (!PASSING.has(status)) return new CopyFailure('never', message)
  const seconds = Number(headers.get('retry-after') ?? '0')
  return new CopyFailure('later', message, seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) * 1000 : 0)
}

/** The beginning of the answer; one that is longer is of no interest. */
async function readAnswer(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
