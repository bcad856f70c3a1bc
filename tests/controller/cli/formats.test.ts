import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../controller/cli/judge/check-result.ts'
import { formatJunit } from '../../../controller/cli/formats/junit.ts'
import { formatMarkdown } from '../../../controller/cli/formats/markdown.ts'
import { formatSarif } from '../../../controller/cli/formats/sarif.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'
import { parseXml, violationsOf } from '../../support/xml-schema.ts'

const HOSTILE = '</failure>]]>&"<script>\u0001 | @everyone `x` [a](http://b)\nnext'

const RESULT: CheckResult = {
  verdict: 'fail',
  findings: [
    {
      gate: 'suites',
      code: 'SUITE_FAILED',
      severity: 'error',
      path: 'bundles/faq/suites/routing.json',
      line: 7,
      column: 3,
      message: HOSTILE,
      hint: 'Run `contractor test`.',
    },
    {
      gate: 'merge',
      code: 'APPROVAL_MISSING',
      severity: 'warning',
      path: 'tenants/acme/aliases/current.yaml',
      line: 1,
      column: 1,
      message: 'acme/current needs 1 approvals',
      hint: '1 of ben: contractor approve acme current',
    },
    {
      gate: 'registry',
      code: 'FILE_INVALID',
      severity: 'error',
      path: 'tenants/acme/a b.yaml',
      line: 1,
      column: 1,
      message: 'no',
      hint: 'no',
    },
  ],
  suites: [
    {
      bundle: 'faq',
      suite: 'routing',
      kind: 'routing',
      cases: 3,
      passed: 1,
      accuracy: 1 / 3,
      min_accuracy: 1,
      verdict: 'fail',
      failures: [
        { index: 0, name: HOSTILE, expected: { intent: 'a' }, actual: { intent: 'b' } },
        { index: 1, name: 'second', expected: { intent: 'a' }, actual: { intent: 'c' } },
      ],
    },
  ],
  bundles: [
    {
      bundle: 'faq',
      version: '0.2.0',
      digest: `sha256:${'a'.repeat(64)}`,
      verdict: 'fail',
      ran: [
        { gate: 'layout', verdict: 'pass' },
        { gate: 'suites', verdict: 'fail' },
      ],
    },
  ],
  behaviour: [
    {
      bundle: 'faq',
      from: '0.1.0',
      to: '0.2.0',
      class: 'major',
      changes: [{ class: 'major', subject: 'intents/contact', message: 'intent removed or renamed' }],
      tenants: ['acme'],
      behaviour: {
        probes: 10,
        same: 9,
        counts: { refusal: 0, threshold: 0, intent: 1, output: 0 },
        changes: [
          {
            probe: { input: { question: HOSTILE }, from: 'suite routing: first' },
            kind: 'intent',
            before: { intent: 'contact', outcome: 'answered', score: 0.9, words: ['reach'], output: { answer: 'a' } },
            after: { reason_code: 'OUTPUT_INVALID' },
          },
        ],
        intents: [{ intent: 'contact', won: 0, lost: 1, examples: [] }],
      },
    },
  ],
  merge: {
    seq: 4,
    complete: true,
    decisions: [
      {
        subject: 'acme/current',
        kind: 'refuse',
        decision: 'deny',
        reason_code: 'APPROVAL_MISSING',
        message: 'acme/current needs 1 approvals',
        not_before: null,
        from: { bundle: 'faq', version: '0.1.0', digest: `sha256:${'b'.repeat(64)}` },
        to: { bundle: 'faq', version: '0.2.0', digest: `sha256:${'a'.repeat(64)}` },
        approvals: { needed: 1, approved: [], missing: 1, may: ['ben'] },
      },
    ],
  },
}

const EMPTY: CheckResult = { verdict: 'pass', findings: [], suites: [], bundles: [], behaviour: [], merge: null }

/** What the specification of SARIF 2.1.0 asks of the parts that are used (sections 3.13, 3.14, 3.19, 3.27 to 3.30, 3.49). */
const text = {
  type: 'object',
  required: ['text'],
  additionalProperties: false,
  properties: { text: { type: 'string' } },
}
const SARIF = {
  type: 'object',
  required: ['version', 'runs'],
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', pattern: '^https://' },
    version: { const: '2.1.0' },
    runs: {
      type: 'array',
      items: {
        type: 'object',
        required: ['tool', 'results'],
        additionalProperties: false,
        properties: {
          tool: {
            type: 'object',
            required: ['driver'],
            additionalProperties: false,
            properties: {
              driver: {
                type: 'object',
                required: ['name'],
                additionalProperties: false,
                properties: {
                  name: { type: 'string' },
                  semanticVersion: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
                  rules: {
                    type: 'array',
                    uniqueItems: true,
                    items: {
                      type: 'object',
                      required: ['id'],
                      additionalProperties: false,
                      properties: { id: { type: 'string' }, shortDescription: text, help: text },
                    },
                  },
                },
              },
            },
          },
          columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
          results: {
            type: 'array',
            items: {
              type: 'object',
              required: ['message'],
              additionalProperties: false,
              properties: {
                ruleId: { type: 'string' },
                ruleIndex: { type: 'integer', minimum: 0 },
                level: { enum: ['none', 'note', 'warning', 'error'] },
                message: text,
                partialFingerprints: { type: 'object', additionalProperties: { type: 'string' } },
                properties: { type: 'object' },
                locations: {
                  type: 'array',
                  items: {
                    type: 'object',
                    required: ['physicalLocation'],
                    additionalProperties: false,
                    properties: {
                      physicalLocation: {
                        type: 'object',
                        required: ['artifactLocation'],
                        additionalProperties: false,
                        properties: {
                          artifactLocation: {
                            type: 'object',
                            additionalProperties: false,
                            properties: {
                              uri: { type: 'string', pattern: '^[^\\s/][^\\s]*$' },
                              uriBaseId: { type: 'string' },
                            },
                          },
                          region: {
                            type: 'object',
                            additionalProperties: false,
                            properties: {
                              startLine: { type: 'integer', minimum: 1 },
                              startColumn: { type: 'integer', minimum: 1 },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
}

/** It is of draft 4, of which Ajv knows all but where the name of a schema stands. */
function official() {
  const path = join(PACKAGE_ROOT, 'tests/fixtures/sarif/sarif-2.1.0-rtm.5.json')
  const { $schema: _, id: _id, ...schema } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  const formats = {
    uri: /^[a-z][a-z0-9+.-]*:[^\s]*$/i,
    'uri-reference': /^[^\s]*$/,
    'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/,
  }
  return new Ajv({ strict: false, unicodeRegExp: false, formats }).compile(schema)
}

describe('SARIF', () => {
  const isSarif = new Ajv({ strict: true }).compile(SARIF)

  it.each([RESULT, EMPTY])('has the shape that the specification asks for', (result) => {
    const log: unknown = JSON.parse(formatSarif(result))
    expect({ valid: isSarif(log), errors: isSarif.errors }).toEqual({ valid: true, errors: null })
  })

  it.each([RESULT, EMPTY])('is valid by the schema that OASIS published', (result) => {
    const isValid = official()
    const log = JSON.parse(formatSarif(result)) as { runs: { results: { level?: string }[] }[] }
    expect({ valid: isValid(log), errors: isValid.errors }).toEqual({ valid: true, errors: null })
    expect(isValid({ ...log, version: '2.0.0' })).toBe(false)
    const results = [{ message: { text: 'x' }, level: 'grave' }]
    expect(isValid({ ...log, runs: [{ ...log.runs[0], results }] })).toBe(false)
  })

  it('puts every finding at its line, under the rule that its code is', () => {
    const { runs } = JSON.parse(formatSarif(RESULT)) as {
      runs: {
        tool: { driver: { rules: { id: string }[] } }
        results: { ruleId: string; ruleIndex: number; level: string }[]
      }[]
    }
    const { tool, results } = runs[0]!
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId)
    expect(results[0]).toMatchObject({
      ruleId: 'SUITE_FAILED',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'bundles/faq/suites/routing.json' },
            region: { startLine: 7, startColumn: 3 },
          },
        },
      ],
    })
  })
})

describe('JUnit XML', () => {
  const xsd = readFileSync(join(PACKAGE_ROOT, 'tests/fixtures/junit/jenkins-junit.xsd'), 'utf8')

  it.each([RESULT, EMPTY])('is valid by the schema of Jenkins, whatever people wrote', (result) => {
    expect(violationsOf(formatJunit(result), xsd)).toEqual([])
  })

  it('is held to the schema by a reader that finds what breaks it', () => {
    expect(violationsOf('<testsuites><testsuite name="a"><x/></testsuite></testsuites>', xsd)).toHaveLength(3)
  })

  it('counts what it holds', () => {
    for (const { attributes, children } of parseXml(formatJunit(RESULT)).children) {
      expect(Number(attributes['tests'])).toBe(children.length)
      expect(Number(attributes['failures'])).toBe(
        children.filter((one) => one.children.some(({ name }) => name === 'failure')).length,
      )
    }
  })
})

describe('Markdown', () => {
  it('shows findings, behaviour and who must still approve', () => {
    const shown = formatMarkdown(RESULT)
    for (const part of ['error(s)', '**MAJOR**', '1 of ben', 'bundles/faq/suites/routing.json:7', 'faq 0.1.0 → 0.2.0'])
      expect(shown).toContain(part)
  })

  it('shows what people wrote as text: no HTML, no links, no mentions, no cells of their own', () => {
    const shown = formatMarkdown(RESULT)
    expect(shown).not.toMatch(/<script|@everyone|\[a\]\(/)
    const rows = shown.split('\n').filter((line) => line.startsWith('|'))
    const cells = (row: string) => row.replaceAll('\\|', '').split('|').length
    for (const row of rows.filter((line) => line.includes('script'))) expect([5, 6]).toContain(cells(row))
  })
})
