import type { BundleFiles } from '../../runtime/bundle/files.ts'

const FILES: Record<string, string> = {
  'manifest.yaml': `bundle_name: faq
bundle_version: 1.0.0
created_at: 2026-03-02T09:00:00Z
created_by: ana
description: Answers.
runtime_compatibility:
  min_version: 1.0.0
`,
  'ontology/ontology.yaml': `language: en
normalization:
  fold_accents: true
  stemmer: english
intents:
  - name: card
    title: When does my card arrive?
    template: card.j2
    utterances:
      - when does my card arrive
  - name: none
    title: Not understood
    template: none.j2
routing:
  threshold: 0.3
  input: question
  question: question
  output: answer
fallback: none
`,
  'entities/question.schema.yaml': 'type: object\nproperties:\n  question:\n    type: string\n    maxLength: 500\n',
  'entities/answer.schema.yaml': 'type: object\nproperties:\n  answer:\n    type: string\n    maxLength: 2000\n',
  'policies/security.yaml': "allowed_intents: ['*']\nmax_input_chars: 500\n",
  'policies/rate_limit.yaml': 'execute:\n  per_minute: 60\n',
  'policies/redaction.yaml': 'rules: []\n',
  'templates/card.j2': 'In five days.\n',
  'templates/none.j2': 'Please say it otherwise.\n',
  'suites/routing.json':
    '{"suite": "routing", "kind": "routing", "cases": [{"name": "one", "input": {"question": "card"}, "expect": {"intent": "card"}}]}\n',
  'metadata/bundle.yaml': 'owner: team\n',
}

/** A small bundle whose files all have their shape, with some replaced; null removes one. */
export function faqBundle(changes: Record<string, string | Uint8Array | null> = {}): BundleFiles {
  const files = new Map(Object.entries(FILES).map(([path, text]) => [path, Buffer.from(text)]))
  for (const [path, body] of Object.entries(changes)) {
    if (body === null) files.delete(path)
    else files.set(path, Buffer.from(body))
  }
  return files
}
