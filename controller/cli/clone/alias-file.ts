import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'
import type { AliasName } from '../../../schemas/names.ts'
import { parseAlias, type Alias } from '../../../schemas/registry/alias.ts'
import type { Clone } from './clone.ts'

export function aliasPath(tenant: string, alias: AliasName): string {
  return `tenants/${tenant}/aliases/${alias}.yaml`
}

/** The bytes of an alias file at HEAD. @throws Fault `USAGE` where HEAD has no such file */
export async function aliasAtHead(clone: Clone, tenant: string, alias: AliasName): Promise<Buffer> {
  const path = aliasPath(tenant, alias)
  if ((await clone.git('ls-tree', 'HEAD', '--', path)) === '') {
    const tenants = (await clone.git('ls-tree', '--name-only', 'HEAD', '--', 'tenants/')).split('\n')
    const names = tenants.map((entry) => entry.slice('tenants/'.length)).join(', ')
    throw new Fault('USAGE', `HEAD has no ${path}. It has the tenants ${names === '' ? 'none' : names}.`)
  }
  return Buffer.from(`${await clone.git('show', `HEAD:${path}`)}\n`)
}

/** What an alias file at HEAD says. @throws Fault `FILE_INVALID`; `USAGE` where HEAD has no such file */
export async function wantedAlias(clone: Clone, tenant: string, alias: AliasName): Promise<Alias> {
  const path = aliasPath(tenant, alias)
  const bytes = await aliasAtHead(clone, tenant, alias)
  const { value, findings } = parseAlias(bytes, path, alias)
  if (value !== null) return value
  throw new Fault('FILE_INVALID', `${path} at HEAD cannot be used.`, { findings })
}

/** Writes an alias file in the work tree; the comments at its top stay. Returns its path. */
export async function writeAlias(
  clone: Clone,
  tenant: string,
  alias: AliasName,
  { bundle, version, digest }: Required<Alias>,
): Promise<string> {
  const path = aliasPath(tenant, alias)
  const file = join(clone.root, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${await topComments(file)}bundle: ${bundle}\nversion: ${version}\ndigest: ${digest}\n`)
  return path
}

async function topComments(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return ''
    throw error
  })
  return /^(?:#[^\n]*\n)*/.exec(text)?.[0] ?? ''
}
