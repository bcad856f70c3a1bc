import { OPERATOR_KEY, settingsOf, TOKEN } from '../../runtime/settings.ts'
import { Fault } from '../../schemas/fault.ts'
import type { AliasName } from '../../schemas/names.ts'
import { optionText, type Call } from './command.ts'

export const SERVER_OPTION = [
  '--server <url>',
  'ask this controller instead of reading a clone (default: CONTRACTOR_URL; needs CONTRACTOR_OPERATOR_KEY, or CONTRACTOR_API_KEY and a tenant)',
] as const

/** A tenant as `GET /v1/tenants` tells it. Nothing here proves it: only a clone is verified. */
export type ServerTenant = {
  tenant: string
  status: string
  aliases: Partial<Record<AliasName, { bundle: string; version: string; digest: string; seq: number }>>
}

const TIMEOUT_MS = 10_000

/** The server that this call names; null where it reads a clone. A clone that is named on the command line wins. */
export function serverOf(call: Call): string | null {
  const named = optionText(call, 'server')
  const preset = optionText(call, 'registry') === undefined ? call.env['CONTRACTOR_URL'] : undefined
  const url = named ?? preset ?? ''
  if (url === '') return null
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '')
  throw new Fault('USAGE', `--server: expected an http or https URL, got "${url}".`)
}

/** @throws Fault `USAGE`, `FORBIDDEN`, `TENANT_UNKNOWN`, `REMOTE_UNAVAILABLE`, `REMOTE_INVALID` */
export async function askTenants(call: Call, url: string, name: string | undefined): Promise<ServerTenant[]> {
  const target = `${url}/v1/tenants`
  const init = { headers: keyHeaders(call, name), redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) } as const
  const response = await fetch(target, init).catch((error: unknown) => {
    throw new Fault('REMOTE_UNAVAILABLE', `${target} does not answer.`, { cause: error })
  })
  if (!response.ok) throw await refusalOf(response, target)
  const body = (await response.json().catch(() => null)) as { tenants?: unknown } | null
  if (!Array.isArray(body?.tenants)) throw new Fault('REMOTE_INVALID', `${target} is no controller.`)
  const tenants = body.tenants as ServerTenant[]
  const wanted = name === undefined ? tenants : tenants.filter(({ tenant }) => tenant === name)
  if (name !== undefined && wanted.length === 0) throw new Fault('TENANT_UNKNOWN', `${url} knows no tenant "${name}".`)
  return wanted
}

function keyHeaders(call: Call, tenant: string | undefined): Record<string, string> {
  const settings = settingsOf(call.env, {})
  const operator = settings.secret('CONTRACTOR_OPERATOR_KEY', OPERATOR_KEY)
  if (operator !== null) return { 'X-Api-Key': operator }
  const key = settings.secret('CONTRACTOR_API_KEY', TOKEN)
  if (key !== null && tenant !== undefined) return { 'X-Api-Key': key, 'X-Tenant-Id': tenant }
  throw new Fault('USAGE', '--server needs CONTRACTOR_OPERATOR_KEY, or CONTRACTOR_API_KEY and the name of its tenant.')
}

async function refusalOf(response: Response, target: string): Promise<Fault> {
  const { reason_code = '', detail = '' } = (await response.json().catch(() => ({}))) as Record<string, string>
  if (reason_code === 'MISSING_HEADER')
    return new Fault('FORBIDDEN', `${target} does not take CONTRACTOR_OPERATOR_KEY as the key of its operator.`)
  const reason = response.status < 500 ? 'FORBIDDEN' : 'REMOTE_UNAVAILABLE'
  return new Fault(reason, `${target} answered ${response.status} ${reason_code}: ${detail}`)
}
