import type { BundleFiles } from '../../runtime/bundle/files.ts'

/** Paths of a small, honest bundle; a test replaces or removes (null) what it is about. */
export function bundleSource(changes: Readonly<Record<string, string | null>> = {}): BundleFiles {
  const files = Object.entries({ ...FAQ, ...changes })
  return new Map(files.flatMap(([path, text]) => (text === null ? [] : [[path, Buffer.from(text)] as const])))
}

export const FAQ: Readonly<Record<string, string>> = {
  'manifest.yaml': `bundle_name: faq
bundle_version: 1.0.0
created_at: "2026-01-02T03:04:05Z"
created_by: ana
description: Questions about cards
runtime_compatibility:
  min_version: 1.0.0
`,
  'ontology/ontology.yaml': `language: en
normalization: { fold_accents: true, stemmer: english }
intents:
  - name: card_arrival
    title: When will my card arrive?
    utterances: [when will my card arrive, where is my new card, has my card been sent, my card has not come, track my card]
    template: card_arrival.j2
    facts: { days: [3, 5] }
  - name: card_lost
    title: I lost my card
    utterances: [i lost my card, my card was stolen, block my card, someone took my card, card is missing]
    template: card_lost.j2
  - name: limits
    title: What are my limits?
    utterances: [what are my limits, how much can i withdraw, cash machine limit, daily limit, raise my limit]
    output: limits
    facts: { daily: 500, currency: EUR }
  - name: fallback
    title: Anything else
    utterances: []
    template: fallback.j2
routing: { threshold: 0.3, input: question, question: question, output: answer }
fallback: fallback
`,
  'entities/question.schema.yaml': `type: object
additionalProperties: false
required: [question]
properties:
  question: { type: string, minLength: 1, maxLength: 1000 }
  name: { type: string, maxLength: 200 }
  locale: { type: string, maxLength: 10 }
`,
  'entities/answer.schema.yaml': `type: object
additionalProperties: false
required: [answer]
properties:
  answer: { type: string, minLength: 1, maxLength: 300 }
`,
  'entities/limits.schema.yaml': `type: object
additionalProperties: false
required: [daily, currency]
properties:
  daily: { type: integer, minimum: 0 }
  currency: { enum: [EUR, USD] }
`,
  'policies/security.yaml': `allowed_intents: ["*"]
allowed_locales: [en, pt-BR]
max_input_chars: 200
allowed_aliases: [current, candidate]
`,
  'policies/rate_limit.yaml': 'execute: { per_minute: 60 }\n',
  'policies/redaction.yaml': `rules:
  - { name: card, pattern: '\\b\\d{13,19}\\b', replacement: "[card]" }
`,
  'policies/cache.yaml': 'enabled: true\nttl_s: 60\nmax_entries: 2\n',
  'templates/card_arrival.j2':
    '{% if input.name %}{{ input.name }}, your{% else %}Your{% endif %} card arrives in {{ facts.days | join(" to ") }} days. Call {{ values.phone }}.\n',
  'templates/card_lost.j2': 'We block it at once. Call {{ values.phone }}.\n',
  'templates/fallback.j2': 'Sorry, I do not know. Call {{ values.phone }}.\n',
  'values.schema.yaml': `type: object
additionalProperties: false
properties:
  phone: { type: string, maxLength: 30, default: 0800 1 }
`,
  'suites/routing.json': JSON.stringify({
    suite: 'routing',
    kind: 'routing',
    cases: [
      {
        name: 'arrival',
        input: { question: 'when does my card arrive?' },
        expect: { intent: 'card_arrival', outcome: 'answered' },
      },
      { name: 'lost', input: { question: 'I have lost my card' }, expect: { intent: 'card_lost' } },
      { name: 'weather', input: { question: 'quantum chromodynamics' }, expect: { outcome: 'fallback' } },
    ],
  }),
  'suites/golden.json': JSON.stringify({
    suite: 'golden',
    kind: 'golden',
    cases: [
      {
        name: 'limits',
        input: { question: 'what are my limits' },
        expect: { output: { daily: 500, currency: 'EUR' } },
      },
    ],
  }),
  'metadata/bundle.yaml': 'owner: cards\n',
}
