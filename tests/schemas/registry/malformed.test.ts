import { stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import type { ParsedFile } from '../../../schemas/parse-file.ts'
import { parseAlias } from '../../../schemas/registry/alias.ts'
import { parseFloor } from '../../../schemas/registry/floor.ts'
import { parseRevoked, parseRoles } from '../../../schemas/registry/governance.ts'
import { parseBundleMetadata, parseManifest } from '../../../schemas/registry/manifest.ts'
import { parseOntology } from '../../../schemas/registry/ontology.ts'
import { parsePolicy } from '../../../schemas/registry/policies.ts'
import { parseRegistryFile } from '../../../schemas/registry/registry.ts'
import { parseSuite } from '../../../schemas/registry/suite.ts'
import { parseKeys, parseTenantFile, parseValues, parseValuesSchema } from '../../../schemas/registry/tenant.ts'
import { malformedFiles } from '../../support/malformed.ts'

type Kind = {
  good: unknown
  parse: (bytes: Buffer, path: string) => ParsedFile<unknown>
  format?: 'yaml' | 'json'
  /** Below these anything may stand. */
  open?: string[]
  /** Values that look wrong to the corpus and are right, by where they stand. */
  right?: RegExp
}

const digest = `sha256:${'a'.repeat(64)}`
const freeze = { days: ['fri'], from: '16:00', to: '24:00', timezone: 'America/Sao_Paulo', resume: 'manual' }

const KINDS: Record<string, Kind> = {
  'registry.yaml': {
    good: {
      registry: 'acme',
      runtime: { version: '1.0.0' },
      compiler: 1,
      gates: 1,
      policies: { required: ['security', 'rate_limit', 'redaction'] },
      promotion: {
        candidate: { approvals: 0 },
        current: { from: 'candidate', approvals: 1, soak: 'PT1H', freeze: [freeze] },
      },
      rollback: { approvals: 0, within: 'P30D' },
      changes: { governance: 'owners', keys: 0, limits: 0, unsuspend: 'owners', unrevoke: 'owners' },
      limits: { on_store_failure: 'deny' },
    },
    parse: parseRegistryFile,
  },
  'governance/roles.yaml': {
    good: {
      principals: [{ id: 'ana', name: 'Ana', emails: ['ana@x.example'] }],
      roles: [{ name: 'owners', owner: true, members: ['ana'], approve: { aliases: ['*'], tenants: ['acme', '*'] } }],
    },
    parse: parseRoles,
    right: /name as "x y/,
  },
  'governance/revoked.yaml': {
    good: { revoked: [{ digest, reason: 'wrong fee', at: '2026-03-02T09:00:00Z' }] },
    parse: parseRevoked,
    right: /reason as "x y/,
  },
  'tenant.yaml': {
    good: {
      status: 'active',
      labels: { tier: 'gold' },
      limits: { execute_per_minute: 60 },
      quota: { per_day: 1000 },
      max_staleness: 'PT1H',
    },
    parse: parseTenantFile,
    right: /labels with an unknown|labels\/tier as ""/,
  },
  'keys.yaml': {
    good: {
      keys: [
        { id: 'web', sha256: 'a'.repeat(64), scopes: ['execute'], expires_at: '2027-01-01T00:00:00Z', revoked: false },
      ],
    },
    parse: parseKeys,
  },
  'values.yaml': { good: { phone: '0800' }, parse: parseValues, open: ['/phone'], right: /phone|unknown key/ },
  'alias current': {
    good: { bundle: 'faq', version: '1.0.0', digest },
    parse: (bytes, path) => parseAlias(bytes, path, 'current'),
  },
  'alias draft': {
    good: { bundle: 'faq', version: '1.0.0' },
    parse: (bytes, path) => parseAlias(bytes, path, 'draft'),
  },
  'manifest.yaml': {
    good: {
      bundle_name: 'faq',
      bundle_version: '1.0.0',
      created_at: '2026-03-02T09:00:00Z',
      created_by: 'ana',
      description: 'Answers.',
      runtime_compatibility: { min_version: '1.0.0', max_version: '2.0.0', tested_versions: ['1.0.0'] },
    },
    parse: (bytes, path) => parseManifest(bytes, path, 'source'),
    right: /description as "x y/,
  },
  'metadata/bundle.yaml': {
    good: { owner: 'team', tags: ['faq'], environment: 'production', notes: 'none' },
    parse: parseBundleMetadata,
    right: /as "x y|notes as ""/,
  },
  'ontology.yaml': {
    good: {
      language: 'en',
      normalization: { fold_accents: true, stemmer: 'english', stop_words: ['the'] },
      synonyms: [{ canonical: 'card', variants: ['bank card'] }],
      intents: [
        {
          name: 'card',
          title: 'Where is my card?',
          utterances: ['where is my card'],
          negatives: ['lost card'],
          threshold: 0.4,
          input: 'question',
          output: 'answer',
          template: 'card.j2',
          facts: { days: 5 },
          retrieval: { documents: ['card.md'] },
        },
      ],
      out_of_scope: { utterances: ['who are you'] },
      routing: { threshold: 0.3, min_margin: 0.05, input: 'question', question: 'question', output: 'answer' },
      fallback: 'card',
    },
    parse: parseOntology,
    open: ['/intents/*/facts/days'],
    right: /as "x y|facts/,
  },
  'policies/security.yaml': {
    good: {
      allowed_intents: ['*'],
      allowed_locales: ['en'],
      max_input_chars: 500,
      allowed_aliases: ['current'],
      explain: true,
    },
    parse: (bytes, path) => parsePolicy('security', bytes, path),
  },
  'policies/rate_limit.yaml': {
    good: { execute: { per_minute: 60, per_user_per_minute: 5 } },
    parse: (bytes, path) => parsePolicy('rate_limit', bytes, path),
  },
  'policies/redaction.yaml': {
    good: { rules: [{ name: 'card', pattern: '[0-9]{16}', replacement: '[card]' }] },
    parse: (bytes, path) => parsePolicy('redaction', bytes, path),
    right: /pattern as "x y|replacement as/,
  },
  'policies/cache.yaml': {
    good: { enabled: true, ttl_s: 60, max_entries: 10 },
    parse: (bytes, path) => parsePolicy('cache', bytes, path),
  },
  'policies/rag.yaml': {
    good: { enabled: true, max_passages: 3, min_score: 0.5 },
    parse: (bytes, path) => parsePolicy('rag', bytes, path),
    right: /min_score/,
  },
  'policies/llm.yaml': { good: { enabled: false }, parse: (bytes, path) => parsePolicy('llm', bytes, path) },
  'floor security': {
    good: { tenants: { tier: 'gold' }, max_input_chars: 100 },
    parse: (bytes, path) => parseFloor('security', bytes, path),
    right: /tenants with an unknown|tier as ""/,
  },
  'floor redaction': {
    good: { rules: [{ name: 'card', pattern: '[0-9]{16}', replacement: '' }] },
    parse: (bytes, path) => parseFloor('redaction', bytes, path),
    right: /pattern as "x y|replacement/,
  },
  'values.schema.yaml': {
    good: {
      type: 'object',
      additionalProperties: false,
      properties: { phone: { type: 'string', description: 'x', maxLength: 20, default: '0800' } },
    },
    parse: parseValuesSchema,
    right: /description|default as "|maxLength as 1\.5/,
  },
  'suites/x.json': {
    good: {
      suite: 'routing',
      kind: 'routing',
      min_accuracy: 0.9,
      cases: [
        {
          name: 'one',
          input: { question: 'x' },
          expect: { intent: 'card', outcome: 'answered', min_score: 0, max_score: 1, output: {} },
        },
      ],
    },
    parse: parseSuite,
    format: 'json',
    open: ['/cases/*/input', '/cases/*/expect/output'],
    right: /as "x y|input|output/,
  },
}

describe.each(Object.entries(KINDS))('%s', (_name, { good, parse, format = 'yaml', open = [], right = /^$/ }) => {
  const write = (value: unknown) => Buffer.from(format === 'yaml' ? stringify(value) : JSON.stringify(value))

  it('is read when it is right', () => {
    const { value, findings } = parse(write(good), 'x')
    expect(findings).toEqual([])
    expect(value).not.toBeNull()
  })

  it('is a finding with a place and a hint however it is malformed, and never a value', () => {
    for (const { what, bytes } of malformedFiles(good, format, open)) {
      const { value, findings } = parse(bytes, 'tenants/a/x')
      if (right.test(what) && findings.length === 0) continue
      expect(findings.length, what).toBeGreaterThan(0)
      expect(value, what).toBeNull()
      for (const { path, line, column, message, hint, severity } of findings) {
        expect({ path, severity }, what).toEqual({ path: 'tenants/a/x', severity: 'error' })
        expect(line, what).toBeGreaterThan(0)
        expect(column, what).toBeGreaterThan(0)
        expect(message, what).not.toBe('')
        expect(hint, what).not.toBe('')
      }
    }
  })

  it('needs every key that its schema requires', () => {
    for (const key of Object.keys(good as object)) {
      const { [key]: _, ...rest } = good as Record<string, unknown>
      const { value, findings } = parse(write(rest), 'x')
      expect(value === null, key).toBe(findings.length > 0)
    }
  })
})
