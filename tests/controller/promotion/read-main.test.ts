import { beforeEach, describe, expect, it } from 'vitest'
import { formatCommit } from '../../../runtime/git/commit-object.ts'
import { objectId } from '../../../runtime/git/object-reader.ts'
import { formatTree, type TreeEntry } from '../../../runtime/git/tree.ts'
import { openMainReader, type MainContent } from '../../../controller/promotion/read-main.ts'
import type { Parsed } from '../../../controller/promotion/wanted.ts'
import { memoryObjects, type MemoryObjects } from '../../support/memory-objects.ts'
import { patchTree } from '../../../runtime/git/tree-files.ts'
import { readCommit } from '../../../runtime/git/history.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'

const ACTIVE = 'status: active\n'
const person = { name: 'ana', email: 'ana@acme.example', timestamp: 1, timezone: '+0000' }

describe('reading main', () => {
  let objects: MemoryObjects
  beforeEach(() => {
    objects = memoryObjects()
  })

  const commitTree = (tree: string) =>
    objects.write('commit', formatCommit({ tree, parents: [], author: person, committer: person, message: 'x\n' }))

  async function read(files: Readonly<Record<string, string | Buffer>>): Promise<MainContent> {
    return openMainReader(objects).read(await commitFiles(files))
  }

  async function commitFiles(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
    const changes = new Map(Object.entries(files).map(([path, body]) => [path, Buffer.from(body)]))
    return commitTree(await patchTree(objects, null, changes))
  }

  async function tenantOf(files: Readonly<Record<string, string | Buffer>>) {
    const named = Object.fromEntries(Object.entries(files).map(([path, body]) => [`tenants/shop/${path}`, body]))
    const tenant = (await read(named)).tenants?.get('shop')
    if (tenant === undefined || 'findings' in tenant) throw new Error('the tenant is not readable')
    return tenant
  }

  const places = (parsed: Parsed<unknown> | undefined) =>
    parsed !== undefined && 'findings' in parsed
      ? parsed.findings.map(({ code, path, line }) => `${code} ${path}:${line}`)
      : ['it was accepted']

  it.each([
    ['an alias of YAML', 'status: &a active\nlabels: { x: *a }\n', 'YAML_INVALID'],
    ['a key twice', 'status: active\nstatus: suspended\n', 'YAML_INVALID'],
    ['a tag', 'status: !!str active\n', 'YAML_INVALID'],
    ['a directive', '%YAML 1.1\n---\nstatus: active\n', 'YAML_INVALID'],
    ['two documents', 'status: active\n---\nstatus: suspended\n', 'YAML_INVALID'],
    ['CRLF', 'status: active\r\n', 'YAML_INVALID'],
    ['a byte order mark', '\ufeffstatus: active\n', 'YAML_INVALID'],
    ['bytes that are not UTF-8', Buffer.from([0x73, 0xff, 0xfe]), 'YAML_INVALID'],
    ['nothing', '', 'YAML_INVALID'],
    ['a list', '- status\n', 'FILE_INVALID'],
    ['an unknown field', 'status: active\ncolour: red\n', 'FILE_INVALID'],
    ['an unknown status', 'status: maybe\n', 'FILE_INVALID'],
    ['a duration that is none', 'status: active\nmax_staleness: soon\n', 'FILE_INVALID'],
    ['300 KiB', `status: active\n# ${'x'.repeat(300 * 1024)}\n`, 'FILE_TOO_LARGE'],
  ])('gives a finding for a tenant.yaml with %s', async (_what, body, code) => {
    const [place] = places((await tenantOf({ 'tenant.yaml': body })).settings)
    expect(place).toMatch(new RegExp(`^(?:${code}|FILE_INVALID|YAML_INVALID) tenants/shop/tenant\\.yaml:\\d`))
  })

  it('gives a finding for a file that is missing, and takes keys and values that are not there as none', async () => {
    const tenant = await tenantOf({ 'aliases/draft.yaml': 'bundle: faq\nversion: 1.0.0\n' })
    expect(places(tenant.settings)).toEqual(['FILE_INVALID tenants/shop/tenant.yaml:1'])
    expect(tenant).toMatchObject({ keys: { value: [] }, values: { value: {} } })
  })

  it('gives a finding for an alias that pins no digest, unless it is draft', async () => {
    const text = 'bundle: faq\nversion: 1.0.0\n'
    const { aliases } = await tenantOf({
      'tenant.yaml': ACTIVE,
      'aliases/draft.yaml': text,
      'aliases/candidate.yaml': text,
      'aliases/current.yaml': 'bundle: [faq\n',
    })
    expect(aliases.draft).toEqual({ value: { bundle: 'faq', version: '1.0.0' } })
    expect(places(aliases.candidate)).toEqual(['FILE_INVALID tenants/shop/aliases/candidate.yaml:1'])
    expect(places(aliases.current)[0]).toContain('tenants/shop/aliases/current.yaml')
  })

  it('reads only the approvals of what an alias file asks for now', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    const { approvals } = await tenantOf({
      'tenant.yaml': ACTIVE,
      'aliases/current.yaml': `bundle: faq\nversion: 1.0.0\ndigest: ${digest}\n`,
      'approvals/current/abababababab.ben.sig': 'now',
      'approvals/current/cdcdcdcdcdcd.ben.sig': 'earlier',
      'approvals/current/abababababab.BEN.sig': 'nobody',
      'approvals/current/README.md': 'words',
    })
    expect([...approvals]).toEqual([['current/abababababab', [{ principal: 'ben', signature: 'now' }]]])
  })

  it('keeps one bad tree, link or submodule from hiding the others', async () => {
    const blob = await objects.write('blob', Buffer.from(ACTIVE))
    const folder = (entries: TreeEntry[]) => objects.write('tree', formatTree(entries))
    const good = await folder([{ mode: '100644', name: 'tenant.yaml', oid: blob }])
    const twice = Buffer.concat([
      formatTree([{ mode: '100644', name: 'a', oid: blob }]),
      formatTree([{ mode: '100644', name: 'a', oid: blob }]),
    ])
    const missing = objectId('tree', Buffer.from('nowhere'))
    const tenants = await folder([
      { mode: '40000', name: 'bundles', oid: good },
      { mode: '40000', name: 'bad', oid: await objects.write('tree', twice) },
      { mode: '40000', name: 'good', oid: good },
      { mode: '120000', name: 'link', oid: blob },
      { mode: '40000', name: 'lost', oid: missing },
      { mode: '160000', name: 'module', oid: '5'.repeat(40) },
      { mode: '40000', name: 'NAME', oid: good },
      { mode: '100644', name: 'README.md', oid: blob },
    ])
    const content = await openMainReader(objects).read(
      await commitTree(await folder([{ mode: '40000', name: 'tenants', oid: tenants }])),
    )
    const codes = [...(content.tenants ?? [])].map(([name, tenant]) => [
      name,
      'findings' in tenant ? tenant.findings[0]?.code : 'read',
    ])
    expect(Object.fromEntries(codes)).toEqual({
      bad: 'OBJECT_CORRUPT',
      good: 'read',
      link: 'PATH_INVALID',
      lost: 'OBJECT_MISSING',
      module: 'PATH_INVALID',
    })
    expect(content.unreadable.map(({ subject }) => subject)).toEqual(['tenants/NAME', 'tenants/bundles'])
  })

  it('says that the folder of governance cannot be read, and reads the tenants all the same', async () => {
    const tenants = await patchTree(objects, null, new Map([['shop/tenant.yaml', Buffer.from(ACTIVE)]]))
    const tree = formatTree([
      { mode: '40000', name: 'governance', oid: objectId('tree', Buffer.from('nowhere')) },
      { mode: '40000', name: 'tenants', oid: tenants },
    ])
    const content = await openMainReader(objects).read(await commitTree(await objects.write('tree', tree)))
    expect(content.governance).toBeNull()
    expect(content.unreadable).toMatchObject([{ subject: 'governance', findings: [{ code: 'OBJECT_MISSING' }] }])
    expect([...(content.tenants?.keys() ?? [])]).toEqual(['shop'])
  })

  it('does not take a file in the place of the folder of tenants for a registry without tenants', async () => {
    expect(await read({ tenants: 'gone' })).toMatchObject({ tenants: null, unreadable: [{ subject: 'tenants' }] })
    expect((await read({ 'README.md': 'words' })).tenants?.size).toBe(0)
  })

  it('reads what changed only, and again what was damaged', async () => {
    const reads: string[] = []
    const counting: ObjectReader = {
      read(oid, type, max) {
        reads.push(oid)
        return objects.read(oid, type, max)
      },
    }
    const reader = openMainReader(counting)
    const first = await commitFiles({ 'tenants/a/tenant.yaml': ACTIVE, 'tenants/b/tenant.yaml': ACTIVE })
    const before = await reader.read(first)
    const { tree } = await readCommit(objects, first)
    const second = await commitTree(
      await patchTree(objects, tree, new Map([['tenants/b/tenant.yaml', Buffer.from('status: suspended\n')]])),
    )
    reads.length = 0
    const after = await reader.read(second)
    expect(after.tenants?.get('a')).toBe(before.tenants?.get('a'))
    expect(after.tenants?.get('b')).not.toBe(before.tenants?.get('b'))
    expect(reads.length).toBeLessThanOrEqual(8)

    const lost = await commitFiles({ 'tenants/c/tenant.yaml': 'status: active # c\n' })
    const blob = objectId('blob', Buffer.from('status: active # c\n'))
    const kept = objects.objects.get(blob)!
    objects.objects.delete(blob)
    const damaged = (await reader.read(lost)).tenants?.get('c')
    expect(damaged).toMatchObject({ settings: { findings: [{ code: 'OBJECT_MISSING' }] } })
    objects.objects.set(blob, kept)
    expect((await reader.read(lost)).tenants?.get('c')).toMatchObject({ settings: { value: { status: 'active' } } })
  })

  it('takes as governance only what governs, and says what is wrong with each file', async () => {
    const { governance: found } = await read({
      'registry.yaml': 'registry: acme\nruntime: { version: 1.0.0 }\ncompiler: 1\n',
      'governance/allowed_signers': 'ben ssh-ed25519 AAAA\n',
      'governance/roles.yaml': 'principals: []\n',
      'governance/README.md': 'words',
      'governance/policies/rate_limit.yaml': 'nonsense: true\n',
      'governance/policies/rate-limit.yaml': 'execute: {}\n',
      'governance/approvals/abababababab.ben.sig': 'signature',
    })
    const governance = found!
    expect([...governance.texts.keys()].sort()).toEqual([
      'governance/allowed_signers',
      'governance/policies/rate-limit.yaml',
      'governance/policies/rate_limit.yaml',
      'governance/roles.yaml',
      'registry.yaml',
    ])
    expect(governance.registry).toMatchObject({ value: { registry: 'acme' } })
    expect(places(governance.signers)).toEqual(['FILE_INVALID governance/allowed_signers:1'])
    expect(places(governance.roles)).toEqual(['FILE_INVALID governance/roles.yaml:1'])
    expect(governance.revoked).toEqual({ value: [] })
    expect(new Set(governance.policies.map(({ path }) => path)).size).toBe(2)
    expect(governance.approvals.get('abababababab')).toEqual([{ principal: 'ben', signature: 'signature' }])
  })
})
