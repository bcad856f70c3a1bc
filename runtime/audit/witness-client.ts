import { Fault } from '../../schemas/fault.ts'
import type { CheckpointReport, Witnessed } from '../../schemas/http/fleet.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { parseVerifier } from './note.ts'

/** A controller as the witness of one Runtime's log. */
export type WitnessClient = {
  /**
   * The last checkpoint that the controller saw of a log, verified by the log's own key: it can be old, but not made up.
   * Null where it saw none.
   * @throws Fault `UNTRUSTED`, or whatever the answer says; an `Error` where there is no answer
   */
  seen(verifier: string): Promise<Checkpoint | null>
  /** @throws like `seen` */
  report(report: CheckpointReport): Promise<Witnessed>
}

const TIMEOUT_MS = 5_000
const TENANT_OF_KEY = /^ctr_([a-z0-9][a-z0-9-]{0,62})_/

/** @param key a tenant's key with the scope `checkpoints:write`, or the operator's */
export function connectWitness(url: string, key: string): WitnessClient {
  const tenant = TENANT_OF_KEY.exec(key)?.[1]
  const headers = { 'x-api-key': key, ...(tenant === undefined ? {} : { 'x-tenant-id': tenant }) }
  const target = `${url.replace(/\/+$/, '')}/v1/audit/checkpoints`

  async function ask(address: string, init: RequestInit): Promise<Witnessed> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(address, { ...init, redirect: 'error', signal })
    const answer = (await response.json()) as Witnessed & { reason_code?: string; detail?: string }
    if (response.ok) return answer
    throw new WitnessRefusal(
      answer.reason_code ?? 'INTERNAL',
      answer.detail ?? `the controller answered ${response.status}`,
    )
  }

  return {
    async seen(verifier) {
      const own = parseVerifier(verifier)
      try {
        const { checkpoint } = await ask(`${target}?origin=${encodeURIComponent(own.name)}`, { headers })
        return openCheckpoint(checkpoint, own.name, own)
      } catch (error) {
        if (error instanceof WitnessRefusal && error.code === 'NOT_FOUND') return null
        throw error
      }
    },
    async report(report) {
      const answer = await ask(target, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(report),
      })
      const own = parseVerifier(report.verifier)
      const { size } = openCheckpoint(answer.checkpoint, own.name, own)
      if (size === openCheckpoint(report.checkpoint, own.name, own).size) return answer
      throw new Fault('UNTRUSTED', `the controller answered with a checkpoint of ${size} records`)
    },
  }
}

/** What a controller answered instead; its codes may be newer than this Runtime. */
export class WitnessRefusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
