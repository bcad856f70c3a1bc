import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { approvalStatement, principalOf } from '../../runtime/trust/approvals.ts'
import { principalFor } from '../../runtime/trust/allowed-signers.ts'
import { verifySshsig } from '../../runtime/trust/sshsig.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { parseAlias } from '../../schemas/registry/alias.ts'
import { Fault } from '../../schemas/fault.ts'
import { ALIASES, type AliasName } from '../../schemas/names.ts'
import { aliasPath } from './alias-file.ts'
import { pinVersion } from './bundle-version.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './commit-branch.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './ledger-of-clone.ts'
import { requireTenant } from './promote.ts'

const NAMESPACE = 'contractor-approval'
const run = promisify(execFile)

export const approve: CommandSpec = {
  name: 'approve',
  summary: 'sign the alias change that stands in this clone, and commit the approval',
  args: [
    ['<tenant>', 'the tenant'],
    ['<alias>', 'candidate or current'],
  ],
  options: [
    ['--key <file>', 'SSH key to sign with, private or (with an agent) public (default: git config user.signingkey)'],
    BRANCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const alias = requireAlias(argument(call, 1, 'alias'))
    const { state } = await ledgerOfClone(call, clone)
    const tenant = requireTenant(state, argument(call, 0, 'tenant'))
    const wanted = await wantedAlias(clone, tenant.tenant, alias)
    const { digest } = await pinVersion(clone, state, wanted.bundle, wanted.version)
    if (wanted.digest !== undefined && wanted.digest !== digest) {
      throw new Fault(
        'DIGEST_MISMATCH',
        `${aliasPath(tenant.tenant, alias)} names ${wanted.digest}, and ${wanted.bundle} ${wanted.version} is ${digest}.`,
      )
    }
    const held = tenant.aliases[alias]
    if (held?.digest === digest)
      throw new Fault(
        'USAGE',
        `${tenant.tenant}/${alias} already holds ${wanted.bundle} ${wanted.version}; there is nothing to approve.`,
      )
    const registry = state.registry.rules.registry
    const statement = approvalStatement({
      registry,
      tenant: tenant.tenant,
      alias,
      from: held?.digest ?? null,
      digest,
      seq: held?.seq ?? 0,
    })
    const signature = await sign(statement, await signingKey(call, clone))
    const { key } = verifySshsig({ payload: Buffer.from(statement), signature, namespace: NAMESPACE })
    const principal = requirePrincipal(state, key)
    const path = `tenants/${tenant.tenant}/approvals/${alias}/${digest.slice(7, 19)}.${principal}.sig`
    const branch = await enterBranch(
      clone,
      [path],
      optionText(call, 'branch'),
      `approve/${tenant.tenant}-${alias}-${wanted.version}`,
    )
    await mkdir(dirname(join(clone.root, path)), { recursive: true })
    await writeFile(join(clone.root, path), signature)
    const commit = await commitPaths(
      clone,
      [path],
      `approve ${tenant.tenant}/${alias} ${wanted.bundle} ${wanted.version} as ${principal}`,
    )
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ branch, commit, principal, path, statement }))
    else
      terminal.out(
        `${terminal.style('green', '✔')} approved as ${principal}: ${statement.trim()}\n  committed on ${branch}: ${path}`,
      )
    return 0
  },
}

/** Id of the principal whose key it is; the line of `allowed_signers` may name an e-mail address instead. */
function requirePrincipal({ signers, roles }: LedgerState, key: string): string {
  const signer = principalFor(signers, key, NAMESPACE, new Date())
  const principal = signer === null ? null : principalOf(roles, signer)
  if (principal !== null) return principal.id
  const where = signer === null ? 'governance/allowed_signers' : 'governance/roles.yaml'
  throw new Fault('ROLE_MISSING', `The key is nobody's in the ${where} in force, so the approval would not count.`)
}

function requireAlias(text: string): AliasName {
  const alias = ALIASES.find((name) => name === text)
  if (alias !== undefined && alias !== 'draft') return alias
  throw new Fault('USAGE', `Expected candidate or current, got "${text}".`)
}

async function wantedAlias(clone: Clone, tenant: string, alias: AliasName) {
  const path = aliasPath(tenant, alias)
  const bytes = Buffer.from(await clone.git('show', `HEAD:${path}`).then((text) => `${text}\n`))
  const { value, findings } = parseAlias(bytes, path, alias)
  if (value !== null) return value
  throw new Fault('FILE_INVALID', `${path} at HEAD cannot be used.`, { findings })
}

async function signingKey(call: Call, clone: Clone): Promise<string> {
  const named = optionText(call, 'key') ?? (await clone.git('config', '--default', '', '--get', 'user.signingkey'))
  if (named !== '') return resolve(call.cwd, named)
  throw new Fault('USAGE', 'Name the SSH key to sign with: --key <file>, or git config user.signingkey.')
}

/** Signs with `ssh-keygen -Y sign`, so that keys in an agent and on hardware work as they do for git. */
async function sign(statement: string, key: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'contractor-approve-'))
  try {
    const file = join(folder, 'statement')
    await writeFile(file, statement)
    await run('ssh-keygen', ['-q', '-Y', 'sign', '-n', NAMESPACE, '-f', key, file])
    return await readFile(`${file}.sig`, 'utf8')
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT')
      throw new Fault('CONFIG_INVALID', 'Signing needs `ssh-keygen` of OpenSSH, and it was not found on the PATH.')
    throw new Fault('USAGE', `ssh-keygen could not sign with ${key}: ${(stderr ?? '').trim()}`)
  } finally {
    await rm(folder, { recursive: true })
  }
}
