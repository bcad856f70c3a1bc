import { stringify } from 'yaml'
import { ALIASES } from '../../../schemas/names.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'
import { aliasPath } from '../clone/alias-file.ts'
import { hashOfApiKey } from '../keys.ts'
import type { LocalBundle } from '../bundle/local-bundle.ts'
import { bundleOf } from '../clone/work-tree.ts'

/** Who may do what in a registry that lives as long as one command. */
const OWNER = { id: 'rehearsal', name: 'Rehearsal', emails: ['rehearsal@example.org'] }

const KEPT = /^governance\/(?:policies\/|revoked\.yaml$)/

/**
 * A registry in which this tenant runs this bundle as both stand in the work tree: its settings and values, the floor
 * and what is revoked are the clone's own; promotions need nobody, and one key is known.
 */
export function rehearsalFiles(
  files: ReadonlyMap<string, Buffer>,
  rules: Registry,
  { tenant, bundle, key, publicKey }: { tenant: string; bundle: LocalBundle; key: string; publicKey: string },
): Map<string, Buffer> {
  const { registry, runtime, compiler, gates, policies, budget, raise } = rules
  const promotion = { candidate: { approvals: 0 }, current: { from: 'candidate', approvals: 0 } }
  const folder = `tenants/${tenant}`
  const alias = stringify({ bundle: bundle.name, version: bundle.parsed.version, digest: bundle.digest })
  const texts: Record<string, string> = {
    'registry.yaml': stringify({
      registry,
      runtime,
      compiler,
      gates,
      policies,
      promotion,
      ...(budget && { budget }),
      ...(raise && { raise }),
    }),
    'governance/allowed_signers': `${OWNER.id} namespaces="git,contractor-approval" ${publicKey}\n`,
    'governance/roles.yaml': stringify({
      principals: [OWNER],
      roles: [{ name: 'owners', owner: true, members: [OWNER.id], approve: { aliases: ['*'], tenants: ['*'] } }],
    }),
    [`${folder}/keys.yaml`]: stringify({
      keys: [
        { id: 'rehearsal', sha256: hashOfApiKey(key), scopes: ['execute', 'execute:candidate', 'explain', 'status'] },
      ],
    }),
    ...Object.fromEntries(ALIASES.map((name) => [aliasPath(tenant, name), alias])),
  }
  const written = new Map<string, Buffer>(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]))
  for (const [path, body] of files) if (KEPT.test(path) || path === `${folder}/values.yaml`) written.set(path, body)
  for (const [path, body] of bundleOf(files, bundle.name)) written.set(`bundles/${bundle.name}/${path}`, body)
  return written.set(`${folder}/tenant.yaml`, files.get(`${folder}/tenant.yaml`) ?? Buffer.from('status: active\n'))
}
