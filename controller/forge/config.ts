import { matching, type settingsOf } from '../../runtime/settings.ts'
import type { WebhookSecrets } from '../http/webhook-routes.ts'
import { FORGES } from './forge.ts'

/** What a controller has to do with the Git host beside Git itself. */
export type ForgeConfig = {
  /** Of webhooks, by forge; a forge without one is refused. */
  webhookSecrets: WebhookSecrets
}

export const NO_FORGE: ForgeConfig = { webhookSecrets: {} }

const WEBHOOK_SECRET = matching(/^[\x21-\x7e]{16,256}$/, '16 to 256 visible ASCII characters')

/** @throws Fault `CONFIG_INVALID` */
export function readForgeConfig({ secret }: ReturnType<typeof settingsOf>): ForgeConfig {
  const webhookSecrets = FORGES.flatMap((forge) => {
    const given = secret(`CONTRACTOR_WEBHOOK_SECRET_${forge.toUpperCase()}`, WEBHOOK_SECRET)
    return given === null ? [] : [[forge, given]]
  })
  return { webhookSecrets: Object.fromEntries(webhookSecrets) as WebhookSecrets }
}
