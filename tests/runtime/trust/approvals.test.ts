import { beforeAll, describe, expect, it } from 'vitest'
import type { AllowedSigner } from '../../../runtime/trust/allowed-signers.ts'
import { formatAllowedSigner } from '../../../runtime/trust/allowed-signers.ts'
import { approvalStatement, judgeApprovals, type ApprovalsAsked } from '../../../runtime/trust/approvals.ts'
import { approvalSetOf, parseApprovalSet, setStatement } from '../../../runtime/trust/approval-set.ts'
import type { Roles } from '../../../schemas/registry/governance.ts'
import { stockKey, stockSign, stockVerify, type StockKey } from '../../support/ssh-keygen.ts'

const digest = `sha256:${'d'.repeat(64)}`
const from = `sha256:${'f'.repeat(64)}`
const change = { registry: 'acme', tenant: 'retail', alias: 'current', from, digest, seq: 41 } as const
const names = ['ana', 'ben', 'cora', 'dan'] as const

const keys = new Map<string, StockKey>()
let signers: AllowedSigner[]
beforeAll(async () => {
  for (const name of [...names, 'laptop']) keys.set(name, await stockKey('ed25519'))
  signers = [...keys].map(([name, { publicKey }]) => ({
    principal: name === 'laptop' ? 'ben@acme.example' : name,
    namespaces: ['contractor-approval'],
    validAfter: null,
    validBefore: null,
    key: publicKey,
  }))
})

const roles: Roles = {
  principals: names.map((id) => ({ id, name: id, emails: [`${id}@acme.example`] })),
  roles: [
    { name: 'approvers', members: ['ana', 'ben', 'cora'], approve: { aliases: ['current'], tenants: ['*'] } },
    { name: 'others', members: ['dan'], approve: { aliases: ['*'], tenants: ['wholesale'] } },
  ],
}

const keyFile = (name: string) => keys.get(name)?.file ?? ''
const approve = async (name: string, statement = approvalStatement(change), namespace = 'contractor-approval') => ({
  signature: await stockSign(keyFile(name), statement, namespace),
})

function judge(approvals: ApprovalsAsked['approvals'], changes: Partial<ApprovalsAsked> = {}) {
  const at = new Date('2026-06-01T00:00:00Z')
  return judgeApprovals({ ...change, approvals, signers, roles, authors: ['cora'], needed: 1, at, ...changes })
}
const codes = (judged: ReturnType<typeof judge>) => judged.faults.map(({ code }) => code)

describe('approvals', () => {
  it('count when a person with a role signed exactly this change', async () => {
    const judged = judge([await approve('ben')])
    expect(judged).toMatchObject({ approved: ['ben'], faults: [] })
    expect(judged.counted).toMatchObject([{ principal: 'ben', statement: approvalStatement(change) }])
  })

  it('are a line that ssh-keygen -Y verify checks', async () => {
    const { signature } = await approve('ben')
    const allowedSigners = formatAllowedSigner({
      principal: 'ben',
      namespaces: ['contractor-approval'],
      key: keys.get('ben')?.publicKey ?? '',
    })
    const payload = `contractor approval v1 acme retail current ${from} ${digest} 41\n`
    const namespace = 'contractor-approval'
    expect(await stockVerify({ allowedSigners, principal: 'ben', namespace, signature, payload })).toBe(true)
  })

  it('cannot be replayed for another registry, tenant, alias, origin, digest or seq', async () => {
    const approvals = [await approve('ben')]
    const others: Partial<ApprovalsAsked>[] = [
      { registry: 'other' },
      { tenant: 'wholesale' },
      { alias: 'candidate' },
      { from: null },
      { digest: from },
      { seq: 42 },
    ]
    for (const other of others) expect(codes(judge(approvals, other))).toEqual(['APPROVAL_INVALID', 'APPROVAL_MISSING'])
  })

  it('do not count when they were signed for another purpose', async () => {
    expect(codes(judge([await approve('ben', approvalStatement(change), 'git')]))).toContain('APPROVAL_INVALID')
  })

  it('do not count from a key that is not listed, not yet valid or no longer valid at the time of the change', async () => {
    const approvals = [await approve('ben')]
    const limited = (limits: Partial<AllowedSigner>) => ({
      signers: signers.map((signer) => ({ ...signer, ...limits })),
    })
    expect(codes(judge(approvals, { signers: [] }))).toContain('APPROVAL_INVALID')
    expect(codes(judge(approvals, limited({ validAfter: '2026-06-02T00:00:00Z' })))).toContain('APPROVAL_INVALID')
    expect(codes(judge(approvals, limited({ validBefore: '2026-05-31T00:00:00Z' })))).toContain('APPROVAL_INVALID')
    expect(codes(judge(approvals, limited({ namespaces: ['git'] })))).toContain('APPROVAL_INVALID')
  })

  it('do not count from who has no role for the tenant and alias, or is no principal', async () => {
    expect(codes(judge([await approve('dan')]))).toEqual(['ROLE_MISSING', 'APPROVAL_MISSING'])
    const strangers = { ...roles, principals: roles.principals.filter(({ id }) => id !== 'ben') }
    expect(codes(judge([await approve('ben')], { roles: strangers }))).toContain('ROLE_MISSING')
  })

  it('do not count from an author, by id or by e-mail address', async () => {
    const approvals = [await approve('ben')]
    expect(codes(judge(approvals, { authors: ['ben'] }))).toEqual(['APPROVAL_BY_AUTHOR', 'APPROVAL_MISSING'])
    expect(codes(judge(approvals, { authors: ['Ben@Acme.example'] }))).toEqual([
      'APPROVAL_BY_AUTHOR',
      'APPROVAL_MISSING',
    ])
  })

  it('do not count at all while an author is unmapped', async () => {
    const judged = judge([await approve('ben')], { authors: ['stranger@elsewhere.example'] })
    expect(judged.approved).toEqual([])
    expect(codes(judged)).toEqual(['AUTHOR_UNMAPPED'])
  })

  it('count once for a person, however many keys and signatures', async () => {
    const approvals = [await approve('ben'), await approve('ben'), await approve('laptop')]
    expect(codes(judge(approvals, { needed: 2 }))).toEqual(['APPROVAL_MISSING'])
    expect(judge([...approvals, await approve('ana')], { needed: 2 })).toMatchObject({
      approved: ['ana', 'ben'],
      faults: [],
    })
  })

  it('do not count under the name of another', async () => {
    expect(codes(judge([{ ...(await approve('ben')), principal: 'ana' }]))).toContain('APPROVAL_INVALID')
  })

  it('are not spoiled by others that do not count', async () => {
    const judged = judge([{ signature: 'garbage' }, await approve('dan'), await approve('ben')])
    expect(judged).toMatchObject({ approved: ['ben'], faults: [] })
    expect(judged.ignored).toHaveLength(2)
  })

  it('are not asked for where the rules ask for none', () => {
    expect(judge([], { needed: 0, authors: ['stranger@elsewhere.example'] })).toMatchObject({
      approved: [],
      faults: [],
    })
  })
})

describe('an approval of a set', () => {
  const members = [
    { tenant: 'retail', from, seq: 41 },
    { tenant: 'retail-br', from: null, seq: 0 },
    { tenant: 'alpha', from, seq: 7 },
  ]

  it('counts for each tenant that it names, as it stood, and for no other', async () => {
    const set = approvalSetOf(members)
    expect(set.text.startsWith('alpha ')).toBe(true)
    const approvals = [{ ...(await approve('ben', setStatement(change, set))), set }]
    expect(judge(approvals).approved).toEqual(['ben'])
    expect(judge(approvals, { tenant: 'retail-br', from: null, seq: 0 }).approved).toEqual(['ben'])
    expect(judge(approvals, { seq: 42 }).approved).toEqual([])
    expect(judge(approvals, { tenant: 'retail-b' }).approved).toEqual([])
    expect(judge(approvals, { tenant: 'alpha' }).approved).toEqual([])
  })

  it('does not count with lines that were added, moved or said twice', async () => {
    const set = approvalSetOf(members)
    const signed = await approve('ben', setStatement(change, set))
    const more = parseApprovalSet(`${set.text}zeta none 0\n`)
    expect(judge([{ ...signed, set: more ?? set }]).approved).toEqual([])
    const [first = '', ...others] = set.text.split('\n')
    const twice = [first, first, ...others].join('\n')
    const other = `retail none 0\n${set.text}`
    for (const spoiled of [set.text.split('\n').reverse().join('\n'), set.text.trimEnd(), '', twice, other, 'A b\n'])
      expect(parseApprovalSet(spoiled)).toBeNull()
    expect(() => approvalSetOf([...members, { tenant: 'retail', from: null, seq: 0 }])).toThrow(TypeError)
  })
})
