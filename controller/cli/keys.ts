import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument, type Document } from 'yaml'
import { KEY_SCOPES, parseKeys, type ApiKey, type KeyScope } from '../../schemas/registry/tenant.ts'
import { durationMs } from '../../schemas/duration.ts'
import { Fault } from '../../schemas/fault.ts'
import { NAME } from '../../schemas/names.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './clone/commit-branch.ts'

export const keysCreate: CommandSpec = {
  name: 'keys create',
  summary: 'make an API key for a tenant, print it once, and commit its hash on a branch',
  args: [['<tenant>', 'the tenant']],
  options: [
    ['--id <id>', 'name of the key (default: k and 8 random hex digits)'],
    ['--scopes <scopes>', `comma-separated: ${KEY_SCOPES.join(', ')} (default: execute)`],
    ['--expires <duration>', 'ISO 8601 duration from now, such as P90D'],
    BRANCH_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const { clone, tenant, path, document, keys } = await openKeys(call)
    const id = optionText(call, 'id') ?? `k${randomBytes(4).toString('hex')}`
    if (!NAME.test(id)) throw new Fault('USAGE', `--id: expected ${NAME}, got "${id}".`)
    if (keys.some((key) => key.id === id))
      throw new Fault('USAGE', `${path} has a key "${id}" already; choose another id.`)
    const expiresAt = expiryOf(call)
    const secret = newApiKey(tenant, id)
    const key: ApiKey = {
      id,
      sha256: hashOfApiKey(secret),
      scopes: requireScopes(optionText(call, 'scopes') ?? 'execute'),
      ...(expiresAt !== null && { expires_at: expiresAt }),
    }
    document.addIn(['keys'], document.createNode(key))
    const branch = await save(call, clone, path, document, `keys/${tenant}-${id}`, `add key ${id} of ${tenant}`)
    const { terminal } = call
    if (terminal.json)
      terminal.out(
        JSON.stringify({ tenant, id, key: secret, scopes: key.scopes, expires_at: key.expires_at ?? null, branch }),
      )
    else
      terminal.out(
        `${secret}\n${terminal.style('yellow', 'This key is shown once and stored nowhere.')} Its hash is committed on ${branch}; it works once that is merged.`,
      )
    return 0
  },
}

export const keysRevoke: CommandSpec = {
  name: 'keys revoke',
  summary: 'revoke an API key of a tenant, committed on a branch',
  args: [
    ['<tenant>', 'the tenant'],
    ['<id>', 'name of the key'],
  ],
  options: [BRANCH_OPTION, CLONE_OPTION],
  async run(call) {
    const { clone, tenant, path, document, keys } = await openKeys(call)
    const id = argument(call, 1, 'id')
    const index = keys.findIndex((key) => key.id === id)
    if (index < 0)
      throw new Fault(
        'USAGE',
        `${path} has no key "${id}".${keys.length === 0 ? '' : ` It has: ${keys.map((key) => key.id).join(', ')}.`}`,
      )
    document.setIn(['keys', index, 'revoked'], true)
    const branch = await save(
      call,
      clone,
      path,
      document,
      `keys/revoke-${tenant}-${id}`,
      `revoke key ${id} of ${tenant}`,
    )
    if (call.terminal.json) call.terminal.out(JSON.stringify({ tenant, id, revoked: true, branch }))
    else
      call.terminal.out(`${call.terminal.style('green', '✔')} ${tenant}: key ${id} is revoked once ${branch} is merged`)
    return 0
  },
}

export const keysList: CommandSpec = {
  name: 'keys list',
  summary: 'list the API keys of a tenant in this clone',
  args: [['<tenant>', 'the tenant']],
  options: [CLONE_OPTION],
  async run(call) {
    const { tenant, keys } = await openKeys(call)
    const rows = keys.map(({ id, scopes, expires_at, revoked }) => ({
      id,
      scopes,
      expires_at: expires_at ?? null,
      revoked: revoked === true,
    }))
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ tenant, keys: rows }))
    else
      terminal.out(
        terminal.table([
          ['ID', 'SCOPES', 'EXPIRES', 'REVOKED'],
          ...rows.map((row) => [row.id, row.scopes.join(','), row.expires_at ?? 'never', row.revoked ? 'yes' : 'no']),
        ]),
      )
    return 0
  },
}

/** `ctr_<tenant>_<id>_<64 hex digits>`: 256 random bits, and whose it is. */
export function newApiKey(tenant: string, id: string): string {
  return `ctr_${tenant}_${id}_${randomBytes(32).toString('hex')}`
}

/** Lower-case hex of the SHA-256 of the whole key, as `keys.yaml` holds it. */
export function hashOfApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

type KeysFile = { clone: Clone; tenant: string; path: string; document: Document; keys: ApiKey[] }

async function openKeys(call: Call): Promise<KeysFile> {
  const clone = await openClone(call)
  const tenant = argument(call, 0, 'tenant')
  const path = `tenants/${tenant}/keys.yaml`
  const bytes = NAME.test(tenant) ? await readFile(join(clone.root, path)).catch(() => null) : null
  if (bytes === null) throw new Fault('TENANT_UNKNOWN', `There is no ${path} in ${clone.root}.`)
  const { value, findings } = parseKeys(bytes, path)
  if (value === null) throw new Fault('FILE_INVALID', `${path} cannot be used.`, { findings })
  return { clone, tenant, path, document: parseDocument(bytes.toString('utf8')), keys: value.keys }
}

async function save(
  call: Call,
  clone: Clone,
  path: string,
  document: Document,
  proposed: string,
  message: string,
): Promise<string> {
  const branch = await enterBranch(clone, [path], optionText(call, 'branch'), proposed)
  await writeFile(join(clone.root, path), document.toString({ flowCollectionPadding: false, lineWidth: 0 }))
  await commitPaths(clone, [path], message)
  return branch
}

/** RFC 3339; null where the key is to work until it is revoked. */
function expiryOf(call: Call): string | null {
  const text = optionText(call, 'expires')
  if (text === undefined) return null
  const ms = durationMs(text)
  if (ms !== null) return new Date(Date.now() + ms).toISOString()
  throw new Fault('USAGE', `--expires: expected an ISO 8601 duration such as P90D, got "${text}".`)
}

function requireScopes(text: string): KeyScope[] {
  return text.split(',').map((name) => {
    const scope = KEY_SCOPES.find((known) => known === name)
    if (scope === undefined)
      throw new Fault('USAGE', `--scopes: there is no scope "${name}". There are: ${KEY_SCOPES.join(', ')}.`)
    return scope
  })
}
