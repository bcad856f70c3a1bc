import { governanceDigest, governanceInForce } from '../../controller/promotion/governance-files.ts'
import { settingsDigest, settingsOf } from '../../controller/promotion/settings.ts'
import { approvalStatement } from '../../runtime/trust/approvals.ts'
import { governanceStatement, mainStatement, tenantStatement } from '../../runtime/trust/owner-approvals.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { aliasFile, digestOf, tinyBundle, type TestRegistry } from '../support/test-registry.ts'
import type { Content, Rules, Signature, Version } from './rules.ts'
import { digest12 } from '../../schemas/names.ts'

export const NAMES = ['1.0.0', '1.1.0', '2.0.0'] as const
export const BUNDLES = NAMES.map((version) => tinyBundle('faq', version))
const DIGESTS = NAMES.map((_, at) => digestOf('faq', BUNDLES[at] ?? {}))
const WEEK = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

export const digestAt = (version: Version): string => DIGESTS[version] ?? ''

export function versionAt(digest: string): Version {
  const found = DIGESTS.indexOf(digest)
  if (found !== 0 && found !== 1 && found !== 2) throw new Error(`nobody made ${digest}`)
  return found
}

export function rulesYaml({ approvals, soakHours, frozenDay, ...rules }: Rules): string {
  const day = frozenDay === null ? null : WEEK[frozenDay]
  const freeze = day === null ? '' : `{ days: [${day}], from: "00:00", to: "24:00", timezone: UTC }`
  return `registry: acme
runtime: { version: 1.0.0 }
compiler: 1
gates: 1
promotion:
  candidate: { approvals: 0 }
  current: { from: candidate, approvals: ${approvals}, soak: PT${soakHours}H, freeze: [${freeze}] }
rollback: { approvals: ${rules.rollbackApprovals}, within: PT${rules.rollbackWithinHours}H }
`
}

export const tenantYaml = (status: Content['status']) => `status: ${status}\n`

function revokedYaml(revoked: readonly Version[]): string {
  if (revoked.length === 0) return 'revoked: []\n'
  const lines = revoked.map(
    (version) => `  - digest: ${digestAt(version)}\n    reason: "bad"\n    at: "2026-01-01T00:00:00Z"\n`,
  )
  return `revoked:\n${lines.join('')}`
}

export type Writing = {
  people: TestRegistry['people']
  /** What is in force, as somebody who signs sees it. */
  state: () => LedgerState
  oidOf: (commit: number) => string
}

/** The files that say what `content` says. A signature is made once, over what is in force then. */
export function createFiles({ people, state, oidOf }: Writing) {
  const made = new Map<string, [path: string, text: string]>()

  async function signed(signature: Signature): Promise<[path: string, text: string]> {
    const key = JSON.stringify(signature)
    const known = made.get(key)
    if (known !== undefined) return known
    const { folder, statement } = stated(signature)
    const text = await people[signature.by].sign(Buffer.from(statement), 'contractor-approval')
    const file: [string, string] = [`${folder}.${signature.by}.sig`, text]
    made.set(key, file)
    return file
  }

  function stated(signature: Signature): { folder: string; statement: string } {
    switch (signature.over) {
      case 'alias': {
        const { alias, version, from, seq } = signature
        const digest = digestAt(version)
        const change = { registry: 'acme', tenant: 'shop', alias, from: from === null ? null : digestAt(from), digest }
        const folder = `tenants/shop/approvals/${alias}/${digest12(digest)}`
        return { folder, statement: approvalStatement({ ...change, seq }) }
      }
      case 'settings': {
        const tenant = state().tenants.get('shop')
        if (tenant === undefined) throw new Error('the tenant is gone')
        const settings = settingsOf(tenant)
        const [from, to] = [settingsDigest(settings), settingsDigest({ ...settings, status: 'active' })]
        const statement = tenantStatement({ registry: 'acme', tenant: 'shop', from, to, seq: signature.seq })
        return { folder: `tenants/shop/approvals/tenant/${digest12(to)}`, statement }
      }
      case 'governance': {
        const inForce = governanceInForce(state().governance)
        const from = state().registry.governance?.digest ?? governanceDigest(inForce)
        const to = governanceDigest(new Map([...inForce, ['governance/revoked.yaml', revokedYaml(signature.to)]]))
        const statement = governanceStatement({ registry: 'acme', from, to, seq: signature.seq })
        return { folder: `governance/approvals/${digest12(to)}`, statement }
      }
      case 'main': {
        const [from, to] = [oidOf(signature.from), oidOf(signature.to)]
        return { folder: `governance/approvals/${to}`, statement: mainStatement({ registry: 'acme', from, to }) }
      }
      default:
        return signature satisfies never
    }
  }

  return async function filesOf(content: Content): Promise<Map<string, string>> {
    const files = new Map([
      ['tenants/shop/tenant.yaml', tenantYaml(content.status)],
      ['governance/revoked.yaml', revokedYaml(content.revoked)],
    ])
    for (const alias of ['candidate', 'current'] as const) {
      const version = content[alias]
      if (version !== null)
        files.set(`tenants/shop/aliases/${alias}.yaml`, aliasFile('faq', NAMES[version], digestAt(version)))
    }
    for (const signature of content.signatures) files.set(...(await signed(signature)))
    return files
  }
}
