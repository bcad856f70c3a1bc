export type Question = { runtime: string; tenant: string; apiKey: string; question: string }
export type Answered = { bundle?: { version: string }; output?: { answer?: string }; reason_code?: string }

/** Asks the Runtime as a tenant's service would. */
export async function askRuntime({ runtime, tenant, apiKey, question }: Question): Promise<Answered> {
  const response = await fetch(`${runtime}/execute`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': tenant, 'X-Api-Key': apiKey },
    body: JSON.stringify({ input: { question } }),
  })
  return (await response.json()) as Answered
}

/** `v1.1.0 "…3 to 5 days…"`: the version, and what of the answer differs between versions of the example. */
export function snippetOf({ bundle, output, reason_code }: Answered): string {
  if (bundle === undefined) return `refused: ${reason_code}`
  const days = /\d+ to \d+ days/.exec(output?.answer ?? '')?.[0]
  return `v${bundle.version}${days === undefined ? '' : ` "…${days}…"`}`
}
