import { describe, expect, it } from 'vitest'
import { formatHeartbeat } from '../../../runtime/trust/heartbeat-file.ts'
import { formatStateFile } from '../../../runtime/trust/state-files.ts'
import { validatorOf } from '../../../schemas/json-schema.ts'
import { parseEntry } from '../../../schemas/ledger/entry.ts'
import { parseLedgerRegistry, parseSealRecord, parseTenantState } from '../../../schemas/ledger/state.ts'
import { parseEpoch, parseKeyset } from '../../../schemas/ledger/trust.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { malformedFiles } from '../../support/malformed.ts'
import { RULES } from '../../support/scaffold.ts'
import { cpuTime } from '../../support/cpu-time.ts'

const digest = `sha256:${'a'.repeat(64)}`
const oid = '1'.repeat(40)
const at = '2026-03-02T09:00:00.000Z'
const key = `ssh-ed25519 ${'A'.repeat(68)}`
const approval = {
  principal: 'ben',
  statement: 'contractor approval v1\n',
  signature: '-----BEGIN SSH SIGNATURE-----\n',
  set: 'a'.repeat(64),
}
const ref = { bundle: 'faq', version: '1.0.0', digest }
const alias = {
  ...ref,
  bundle_id: `b-${'a'.repeat(32)}`,
  tag: 'refs/tags/bundles/faq/1.0.0',
  seal: oid,
  seq: 3,
  since: at,
  from: null,
  approvals: [approval],
  stack: [{ ...ref, seq: 3, until: null }],
}

const FILES = {
  'entry.json': {
    parse: parseEntry,
    good: {
      seq: 1,
      prev: digest,
      at,
      source: oid,
      covers: [oid],
      state_root: digest,
      decisions: [
        {
          subject: 'acme/current',
          kind: 'promote',
          decision: 'allow',
          reason_code: 'PROMOTED',
          message: 'moved',
          not_before: null,
          from: null,
          to: ref,
          people: { authors: ['ana'], approvers: ['ben'] },
          report: digest,
        },
      ],
    },
  },
  'registry.json': {
    parse: parseLedgerRegistry,
    good: { epoch: 0, rules: RULES, governance: { digest, seq: 1, approvals: [approval] } },
  },
  'tenants/xx/acme.json': {
    parse: parseTenantState,
    good: {
      tenant: 'acme',
      status: 'active',
      labels: { tier: 'gold' },
      limits: { execute_per_minute: 60 },
      quota: { per_day: 5 },
      max_staleness: 'PT1H',
      keys: [{ id: 'web', sha256: 'a'.repeat(64), scopes: ['execute'], expires_at: at, revoked: false }],
      values: { phone: '0800' },
      seq: 2,
      aliases: { candidate: alias, current: alias },
    },
  },
  'bundles/faq/1.0.0.json': {
    parse: parseSealRecord,
    good: {
      ...ref,
      bundle_id: `b-${'a'.repeat(32)}`,
      source_digest: digest,
      report: digest,
      compatibility: { min_version: '1.0.0' },
      seal: oid,
      tag_object: oid,
      source: oid,
      seq: 1,
      authors: ['ana', 'x@y.example'],
    },
  },
  'trust/keysets/1.json': {
    parse: parseKeyset,
    good: {
      registry: 'acme',
      version: 1,
      epoch: 0,
      controller_keys: [key],
      heartbeat_key: key,
      trusted_until_seq: null,
    },
  },
  'trust/epochs/1.json': { parse: parseEpoch, good: { registry: 'acme', epoch: 1, fork_seq: 4, fork_head: oid } },
}

/** Where other text, or a number as large, is as right. */
const RIGHT =
  /seq|epoch|subject|message|people|principal|statement|signature|members|authors|values|labels|per_day|(?:prev|from|to|until|report|not_before|trusted_until_seq) as null/

describe.each(Object.entries(FILES))('%s', (_name, { parse, good }) => {
  it('is read as it was written', () => {
    expect(parse(formatStateFile(good), 'x')).toEqual(good)
  })

  it('is LEDGER_BROKEN however it is malformed, never another error', async () => {
    const open = ['/values', '/rules']
    for (const { what, bytes } of malformedFiles(good, 'json', open)) {
      const reason = await faultReason(() => parse(bytes, 'x'))
      if (!RIGHT.test(what)) expect(reason, what).toBe('LEDGER_BROKEN')
      else expect([null, 'LEDGER_BROKEN'], what).toContain(reason)
    }
  })
})

it('10,000 tenants are read in time', () => {
  const bytes = formatStateFile(FILES['tenants/xx/acme.json'].good)
  parseTenantState(bytes, 'x')
  const spent = cpuTime()
  for (let tenant = 0; tenant < 10_000; tenant++) parseTenantState(bytes, 'x')
  expect(spent()).toBeLessThan(5_000)
})

it('the files that Runtimes are given from outside have the shape that is published', () => {
  const heartbeat = JSON.parse(
    formatHeartbeat({ registry: 'acme', seq: 1, head: oid, expires_at: at }).toString(),
  ) as unknown
  expect(validatorOf('ledger/heartbeat', 'every')(heartbeat)).toBe(true)
  expect(validatorOf('ledger/root', 'every')({ registry: 'acme', keys: [key], threshold: 1, genesis: oid })).toBe(true)
})
