import { HTTP_URL, matching, TOKEN, whole, type settingsOf } from '../../runtime/settings.ts'
import { Fault } from '../../schemas/fault.ts'
import type { WebhookSecrets } from '../http/webhook-routes.ts'
import type { ForgeApi } from './forge-client.ts'
import { FORGES, type ForgeKind } from './forge.ts'

/** What a controller has to do with the Git host beside Git itself. */
export type ForgeConfig = {
  /** Of webhooks, by forge; a forge without one is refused. */
  webhookSecrets: WebhookSecrets
  /** Where commit statuses are posted; null for nowhere. */
  api: ForgeApi | null
  /** Where people reach this controller, for the links of statuses; without a slash at its end. */
  publicUrl: string | null
  /** Whether heads of pull requests are judged, and of how many of the newest; null where they are not. */
  pulls: { max: number } | null
}

export const NO_FORGE: ForgeConfig = { webhookSecrets: {}, api: null, publicUrl: null, pulls: null }

type Settings = ReturnType<typeof settingsOf>

const WEBHOOK_SECRET = matching(/^[\x21-\x7e]{16,256}$/, '16 to 256 visible ASCII characters')
const PROJECT = matching(/^\w[\w.-]*(?:\/\w[\w.-]*){0,20}$/, 'a project such as acme/registry')
const ON_OFF = matching(/^(?:on|off)$/, 'on or off')
const KIND = {
  expected: FORGES.join(', '),
  parse: (text: string): ForgeKind | null => FORGES.find((kind) => kind === text) ?? null,
}

/** @throws Fault `CONFIG_INVALID` */
export function readForgeConfig(settings: Settings): ForgeConfig {
  const webhookSecrets = FORGES.flatMap((forge) => {
    const given = settings.secret(`CONTRACTOR_WEBHOOK_SECRET_${forge.toUpperCase()}`, WEBHOOK_SECRET)
    return given === null ? [] : [[forge, given]]
  })
  const api = readApi(settings)
  return {
    webhookSecrets: Object.fromEntries(webhookSecrets) as WebhookSecrets,
    api,
    pulls: readPulls(settings, api),
    publicUrl: settings.optional('CONTRACTOR_PUBLIC_URL', HTTP_URL)?.replace(/\/+$/, '') ?? null,
  }
}

/** All of it, or none: half of it would be a status that nobody notices is missing. */
function readApi({ optional, required, secret }: Settings): ForgeApi | null {
  const kind = optional('CONTRACTOR_FORGE', KIND)
  if (kind === null) return null
  const api = required('CONTRACTOR_FORGE_API', HTTP_URL)
  const project = required('CONTRACTOR_FORGE_PROJECT', PROJECT)
  const token = secret('CONTRACTOR_FORGE_TOKEN', TOKEN)
  if (token !== null) return { kind, api, project, token }
  throw new Fault(
    'CONFIG_INVALID',
    'CONTRACTOR_FORGE_TOKEN or CONTRACTOR_FORGE_TOKEN_FILE is missing: expected a token',
  )
}

function readPulls({ optional }: Settings, api: ForgeApi | null): ForgeConfig['pulls'] {
  const max = optional('CONTRACTOR_PULLS_MAX', whole(1, 500)) ?? 50
  if (optional('CONTRACTOR_JUDGE_PULLS', ON_OFF) !== 'on') return null
  if (api !== null) return { max }
  throw new Fault(
    'CONFIG_INVALID',
    'CONTRACTOR_JUDGE_PULLS is on, and CONTRACTOR_FORGE does not say where its verdicts go',
  )
}
