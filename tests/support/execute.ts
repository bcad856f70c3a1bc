import type { ExecuteResponse } from '../../schemas/http/execute.ts'

export type Asked = { status: number; body: ExecuteResponse & { reason_code?: string }; headers: Headers }

/** `POST /execute` as a tenant's service calls it. */
export async function ask(
  runtime: string,
  { tenant, api_key }: { tenant: string; api_key: string },
  question: string,
  more: Record<string, unknown> = {},
): Promise<Asked> {
  const response = await fetch(`${runtime}/execute`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': tenant, 'X-Api-Key': api_key },
    body: JSON.stringify({ input: { question }, ...more }),
  })
  return { status: response.status, body: (await response.json()) as Asked['body'], headers: response.headers }
}
