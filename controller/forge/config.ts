import { HTTP_URL, matching, TOKEN, type settingsOf } from '../../runtime/settings.ts'
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
}

export const NO_FORGE: ForgeConfig = { webhookSecrets: {}, api: null, publicUrl: null }

type Settings = ReturnType<typeof settingsOf>

const WEBHOOK_SECRET = matching(/^[\x21-\x7e]{16,256}$/, '16 to 256 visible ASCII characters')
const PROJECT = matching(/^\w[\w.-]*(?:\/\w[\w.-]*){0,20}$/, 'a project such as acme/registry')
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
  return {
    webhookSecrets: Object.fromEntries(webhookSecrets) as WebhookSecrets,
    api: readApi(settings),
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
