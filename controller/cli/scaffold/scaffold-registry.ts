export type FirstOwner = { id: string; name: string; email: string; publicKey: string }

/** A new registry with one owner, keyed by paths from its top: the rules are strict, and one person cannot yet promote alone. */
export function scaffoldRegistry(registry: string, owner: FirstOwner, runtimeVersion: string): Map<string, string> {
  return new Map([
    ['.gitattributes', '* -text\n'],
    [
      'registry.yaml',
      `registry: ${registry} # appears in every signed statement; never change it
runtime: { version: ${runtimeVersion} }
compiler: 1
gates: 1
policies: { required: [security, rate_limit, redaction] }
promotion:
  candidate: { approvals: 0 }
  current: { from: candidate, approvals: 1, soak: PT0S, freeze: [] }
rollback: { approvals: 0, within: P30D }
changes: { governance: owners, keys: 0, limits: 0, unsuspend: owners, unrevoke: owners }
`,
    ],
    ['governance/allowed_signers', `${owner.id} namespaces="git,contractor-approval" ${owner.publicKey}\n`],
    [
      'governance/roles.yaml',
      `principals:
  - id: ${owner.id}
    name: ${JSON.stringify(owner.name)}
    emails: [${JSON.stringify(owner.email)}]
roles:
  - name: owners
    owner: true
    members: [${owner.id}]
    approve: { aliases: ['*'], tenants: ['*'] }
`,
    ],
    ['governance/revoked.yaml', 'revoked: []\n'],
    ['README.md', README],
  ])
}

const README = `# Registry

What AI systems may do, as bundles, and what every tenant runs, as alias files. \`main\` says what should be; the
controller judges it and writes what is in force to \`live\`. Change it by pull request, take it back with \`git revert\`.

    contractor new bundle faq          # a bundle that passes every gate
    contractor check                   # judge it as the controller will
    contractor new tenant acme
    contractor promote acme --to current faq@0.1.0
    contractor approve acme current    # by somebody who did not write the bundle
`

/** A new tenant without keys or aliases, keyed by paths from the top of the registry. */
export function scaffoldTenant(tenant: string): Map<string, string> {
  const folder = `tenants/${tenant}`
  return new Map([
    [
      `${folder}/tenant.yaml`,
      'status: active\nlabels: {}\nlimits: { execute_per_minute: 600 }\nquota: {}\nmax_staleness: PT1H\n',
    ],
    [`${folder}/keys.yaml`, 'keys: []\n'],
  ])
}
