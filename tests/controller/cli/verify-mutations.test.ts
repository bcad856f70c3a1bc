import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateSync, inflateSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AUDIT_REF, writeWitnessed } from '../../../controller/witness/audit-branch.ts'
import type { WitnessedLog } from '../../../controller/witness/judge-checkpoint.ts'
import { signCheckpoint } from '../../../runtime/audit/checkpoint.ts'
import { cosign, formatWitness } from '../../../runtime/audit/cosignature.ts'
import { formatVerifier, signerFromSeed, verifierOf } from '../../../runtime/audit/note.ts'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { openRepository, type Repository } from '../../../runtime/git/repository.ts'
import { HEARTBEAT_REF } from '../../../runtime/trust/heartbeat.ts'
import { LIVE_REF } from '../../../runtime/trust/ledger.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import { runCommand } from '../../support/author-clone.ts'
import { bundleSource } from '../../support/bundle-source.ts'
import { buildLedger, newTenant, type LedgerBuilder } from '../../support/ledger-builder.ts'
import { temporaryFolder } from '../../support/ssh-keygen.ts'

const run = promisify(execFile)
const TAG = 'refs/tags/bundles/faq/1.0.0'

/** A clone that verifies, in which one thing at a time is changed. */
describe('contractor verify', { timeout: 60_000 }, () => {
  let clone: string
  let repository: Repository
  let ledger: LedgerBuilder
  let seals: SealRecord[]
  let refs: Map<string, string>
  /** Commits of `live`, seq by seq. */
  let line: string[]
  let anchors: string[]

  beforeAll(async () => {
    clone = await temporaryFolder()
    await run('git', ['init', '--quiet', clone])
    await writeFile(join(clone, 'registry.yaml'), 'registry: acme\n')
    repository = await openRepository(clone)
    ledger = await buildLedger({ objects: repository })
    line = [ledger.head.oid]
    const step = async (work: Promise<{ oid: string }>) => line.push((await work).oid)
    seals = [await seal('1.0.0'), await seal('1.1.0')]
    await step(ledger.addTenant('retail'))
    await step(ledger.promote('retail', 'current', seals[0]!))
    await step(ledger.promote('retail', 'current', seals[1]!))
    await step(ledger.addTenant('wholesale'))
    await setRef(LIVE_REF, ledger.head.oid)
    await setRef(HEARTBEAT_REF, await ledger.heartbeat({}))
    anchors = []
    for (const size of [3, 5]) anchors.push(await witness(size, size))
    await writeFile(join(clone, 'root.json'), JSON.stringify(ledger.root))
    refs = new Map([...(await repository.listRefs('refs/heads/')), ...(await repository.listRefs('refs/tags/'))])
  })
  afterAll(async () => {
    await repository.close()
    await rm(clone, { recursive: true, force: true })
  })
  beforeEach(async () => {
    const now = new Map([...(await repository.listRefs('refs/heads/')), ...(await repository.listRefs('refs/tags/'))])
    for (const ref of new Set([...now.keys(), ...refs.keys()])) await setRef(ref, refs.get(ref) ?? null)
  })

  async function seal(version: string): Promise<SealRecord> {
    const source = bundleSource({ 'templates/card_arrival.j2': `It takes three days, says ${version}.` })
    const manifest = (source.get('manifest.yaml')?.toString() ?? '').replace('1.0.0', version)
    const { files, digest, bundleId } = compileBundle(new Map([...source, ['manifest.yaml', Buffer.from(manifest)]]), 1)
    const { record, ref } = await ledger.seal('faq', version, files, digest)
    await setRef(ref, record.tag_object)
    return { ...record, bundle_id: bundleId }
  }

  async function setRef(ref: string, oid: string | null): Promise<void> {
    const old = await repository.readRef(ref)
    if (old !== oid) await repository.updateRefs([{ ref, old, new: oid }])
  }

  const [logKey, witnessKey] = ['acme/node-1/0/0123456789abcdef', 'acme/witness'].map((name, at) =>
    signerFromSeed(name, Buffer.alloc(32, at + 1)),
  ) as [ReturnType<typeof signerFromSeed>, ReturnType<typeof signerFromSeed>]

  async function witness(size: number, seed: number, signed = (note: string) => cosign(note, witnessKey, 1)) {
    const checkpoint = { origin: logKey.name, size, root: createHash('sha256').update(String(seed)).digest() }
    const log: WitnessedLog = {
      ...checkpoint,
      verifier: formatVerifier(verifierOf(logKey)),
      reporter: 'operator',
      note: signed(signCheckpoint(checkpoint, logKey)),
      shadow: null,
    }
    const parent = await repository.readRef(AUDIT_REF)
    const deps = { repository, signer: ledger.keys.controller, registry: 'acme', now: new Date(0) }
    return writeWitnessed(deps, { parent, base: parent }, [log], formatWitness(verifierOf(witnessKey)))
  }

  type Verified = { code: number; reason: string | undefined; message: string; out: string }
  async function verify(): Promise<Verified> {
    const options = { json: true, registry: clone, trust: join(clone, 'root.json') }
    const { code, out } = await runCommand('verify', [], options, { cwd: clone, env: { PATH: process.env['PATH'] } })
    const { error } = JSON.parse(out) as { error?: { reason_code: string; message: string } }
    return { code, reason: error?.reason_code, message: error?.message ?? '', out }
  }

  /** Writes a changed body as an object of its own. */
  async function changed(type: 'commit' | 'tag', oid: string, change: (body: string) => string): Promise<string> {
    const body = (await repository.read(oid, type)).toString('latin1')
    const after = change(body)
    expect(after).not.toBe(body)
    return repository.write(type, Buffer.from(after, 'latin1'))
  }

  /** A commit of `live` is replaced, and those after it stand on the new one, with the signatures that they had. */
  async function replaceOnLive(seq: number, change: (body: string) => string): Promise<string> {
    const replaced = await changed('commit', line[seq]!, change)
    let [old, next] = [line[seq]!, replaced]
    for (const oid of line.slice(seq + 1)) {
      const parents = [old, next] as const
      ;[old, next] = [oid, await changed('commit', oid, (body) => body.replace(...parents))]
    }
    await setRef(LIVE_REF, next)
    return replaced
  }

  const flipSignature = (body: string): string =>
    body.replace(
      /(BEGIN SSH SIGNATURE-----\n .{40}|BEGIN SSH SIGNATURE-----\n.{40})./,
      (text, before: string) => before + (text.endsWith('A') ? 'B' : 'A'),
    )
  const dropSignature = (body: string): string => body.replace(/gpgsig [\s\S]*?-----END SSH SIGNATURE-----\n/, '')

  it('accepts what nobody changed', async () => {
    const { code, out } = await verify()
    expect(code, out).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ seq: 4, bundles: 2, anchors: { commits: 2, logs: 1 } })
  })

  describe.each([0, 1, 2, 4])('names the commit of `live` at seq %i', (seq) => {
    it.each([
      ['a byte of its signature', flipSignature],
      ['its signature is gone', dropSignature],
      ['its seq', (body: string) => body.replace(/Seq: \d+/, 'Seq: 7')],
      ['its epoch', (body: string) => body.replace('Epoch: 1', 'Epoch: 2')],
      ['its subject', (body: string) => body.replace(/\n\n\w/, '\n\nX')],
      ['its tree', (body: string) => body.replace(/^tree .{8}/, 'tree 00000000')],
      ['a second parent', (body: string) => body.replace('\nauthor', `\nparent ${'1'.repeat(40)}\nauthor`)],
    ])('%s', async (_, change) => {
      const oid = await replaceOnLive(seq, change)
      const { code, reason, message } = await verify()
      expect({ code, reason: /^(UNTRUSTED|LEDGER_BROKEN|SIGNATURE_INVALID|OBJECT_\w+)$/.test(reason ?? '') }).toEqual({
        code: 1,
        reason: true,
      })
      expect(message).toMatch(
        seq === 0
          ? new RegExp(`${oid}|${ledger.root.genesis}|${'1'.repeat(40)}`)
          : new RegExp(`${oid}|${'1'.repeat(40)}`),
      )
    })
  })

  it('a commit that was left out', async () => {
    const oid = await changed('commit', line[3]!, (body) => body.replace(line[2]!, line[1]!))
    await setRef(LIVE_REF, oid)
    expect(await verify()).toMatchObject({ code: 1, reason: 'UNTRUSTED', message: expect.stringContaining(oid) })
  })

  /** Whoever has the controller's key can sign what the rules forbid. */
  it.each([
    ['a skipped seq', { message: (of) => ({ ...of, seq: of.seq + 1 }), entry: (of) => ({ ...of, seq: of.seq + 1 }) }],
    ['another registry', { message: (of) => ({ ...of, registry: 'other' }) }],
    ['an entry that does not follow', { entry: (of) => ({ ...of, prev: `sha256:${'0'.repeat(64)}` }) }],
    ['a file that is not counted', { uncounted: new Map([['tenants/aa/x.json', Buffer.from('{}\n')]]) }],
    ['a state root of other files', { entry: (of) => ({ ...of, state_root: `sha256:${'0'.repeat(64)}` }) }],
  ] satisfies [string, Parameters<LedgerBuilder['write']>[1]][])(
    'signed by the controller: %s',
    async (_, tampering) => {
      const { oid } = await ledger.write({ tenants: new Map([['third', newTenant('third')]]) }, tampering)
      await setRef(LIVE_REF, oid)
      const { code, reason, message } = await verify()
      expect({ code, reason }).toEqual({ code: 1, reason: 'LEDGER_BROKEN' })
      expect(message).toContain(oid)
    },
  )

  it('an approval that nobody gave', async () => {
    const change = await ledger.planPromotion('wholesale', 'current', seals[1]!)
    const tenant = change.tenants?.get('wholesale')
    const current = tenant?.aliases.current
    if (tenant === null || tenant === undefined || current === undefined) throw new Error('no promotion was planned')
    const approvals = current.approvals.map((each) => ({ ...each, signature: each.signature.replace(/A/, 'B') }))
    for (const given of [approvals, []]) {
      const aliases = { ...tenant.aliases, current: { ...current, approvals: given } }
      const forged = { ...change, tenants: new Map([['wholesale', { ...tenant, aliases }]]) }
      const { oid } = await ledger.write(forged, { entry: (entry) => entry })
      await setRef(LIVE_REF, oid)
      const { code, reason, message } = await verify()
      expect(
        { code, reason: /^(UNTRUSTED|LEDGER_BROKEN|APPROVAL\w+|SIGNATURE_INVALID)$/.test(reason ?? '') },
        reason,
      ).toEqual({ code: 1, reason: true })
      expect(message).toContain('wholesale')
    }
  })

  it('a keyset that the root did not sign', async () => {
    const thief = ledger.keys.people.get('cora')!
    const files = await ledger.keyset({ version: 2, controller_keys: [thief.publicKey] }, [thief])
    const { oid } = await ledger.write({ files }, { entry: (entry) => entry })
    await setRef(LIVE_REF, oid)
    expect(await verify()).toMatchObject({ code: 1, reason: 'UNTRUSTED', message: expect.stringContaining('keyset') })
  })

  it.each([
    ['deleted', async () => null],
    ['moved to the tag of another version', async () => seals[1]!.tag_object],
    ['moved to a commit', async () => line[0]!],
    ['signed with another byte', () => changed('tag', seals[0]!.tag_object, flipSignature)],
    ['given other words', () => changed('tag', seals[0]!.tag_object, (body) => body.replace('tagger', 'tagger X'))],
  ])('a tag that was %s', async (_, to) => {
    await setRef(TAG, await to())
    expect(await verify()).toMatchObject({
      code: 1,
      reason: 'BUNDLE_UNVERIFIED',
      message: expect.stringContaining(TAG),
    })
  })

  it.each([
    ['signed with another byte', () => refOf(HEARTBEAT_REF, flipSignature), 'UNTRUSTED'],
    ['signed by the controller', () => ledger.heartbeat({}, ledger.keys.controller), 'UNTRUSTED'],
    ['of another registry', () => ledger.heartbeat({ registry: 'other' }), 'UNTRUSTED'],
    ['for another head', () => ledger.heartbeat({ head: '7'.repeat(40) }), 'EQUIVOCATION'],
    ['for what is kept from us', () => ledger.heartbeat({ seq: 9 }), 'STALE'],
  ])('a heartbeat %s', async (_, made, reason) => {
    const oid = await made()
    await setRef(HEARTBEAT_REF, oid)
    expect(await verify()).toMatchObject({ code: 1, reason, message: expect.stringContaining(oid) })
  })

  const refOf = async (ref: string, change: (body: string) => string) =>
    changed('commit', (await repository.readRef(ref)) ?? '', change)

  it('anchors of an audit log that were signed with another byte', async () => {
    const first = await changed('commit', anchors[0]!, flipSignature)
    await setRef(AUDIT_REF, await changed('commit', anchors[1]!, (body) => body.replace(anchors[0]!, first)))
    expect(await verify()).toMatchObject({ code: 1, reason: 'UNTRUSTED' })
  })

  it.each([
    ['fewer records than before', () => witness(4, 4), 'AUDIT_BROKEN'],
    ['another root for as many records', () => witness(5, 6), 'AUDIT_BROKEN'],
    [
      'a checkpoint that the log did not sign',
      () => witness(9, 9, (note) => cosign(note.replace('\n9\n', '\n8\n'), witnessKey, 1)),
      'UNTRUSTED',
    ],
    ['a checkpoint that no witness saw', () => witness(9, 9, (note) => note), 'UNTRUSTED'],
  ])('anchors of an audit log with %s', async (_, write, reason) => {
    await write()
    expect(await verify()).toMatchObject({ code: 1, reason })
  })

  it('live that ends before what the heartbeat names', async () => {
    await setRef(LIVE_REF, line[2]!)
    expect(await verify()).toMatchObject({ code: 1, reason: 'STALE' })
  })

  it('any object that the refs lead to, changed or missing, by its id', { timeout: 300_000 }, async () => {
    const { stdout } = await run('git', ['-C', clone, 'rev-list', '--objects', '--all'])
    const oids = stdout
      .split('\n')
      .map((each) => each.slice(0, 40))
      .filter((oid) => oid !== '')
    const unseen: string[] = []
    for (const [at, oid] of oids.entries()) {
      const path = join(clone, '.git/objects', oid.slice(0, 2), oid.slice(2))
      const bytes = await readFile(path)
      const raw = inflateSync(bytes)
      raw[raw.length - 1] = (raw.at(-1) ?? 0) ^ 1
      await unlink(path)
      if (at % 2 === 0) await writeFile(path, deflateSync(raw))
      const { code, reason, message } = await verify()
      const codes = [at % 2 === 0 ? 'OBJECT_CORRUPT' : 'OBJECT_MISSING', 'BUNDLE_UNVERIFIED']
      const isSeen = code === 1 && codes.includes(reason ?? '') && message.includes(oid)
      if (!isSeen) unseen.push(`${oid}: ${code} ${reason} ${message}`)
      await rm(path, { force: true })
      await writeFile(path, bytes)
    }
    expect(unseen).toEqual([])
    expect(oids.length).toBeGreaterThan(40)
  })
})
