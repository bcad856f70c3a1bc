import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'
import type { AliasName } from '../../../schemas/names.ts'
import { parseAlias, type Alias } from '../../../schemas/registry/alias.ts'
import type { Clone } from './clone.ts'

export function aliasPath(tenant: string, alias: AliasName): string {
  return `tenants/${tenant}/aliases/${alias}.yaml`
}

/** What an alias file at HEAD says. @throws Fault `FILE_INVALID` */
export async function wantedAlias(clone: Clone, tenant: string, alias: AliasName): Promise<Alias> {
  const path = aliasPath(tenant, alias)
  const bytes = Buffer.from(await clone.git('show', `HEAD:${path}`).then((text) => `${text}\n`))
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
