/** What an author says of a new bundle; the first intent is about opening hours where they name none. */
export type BundleIdea = { name: string; author: string; description?: string; first?: FirstIntent }

/** `answer` is the text of its template. */
export type FirstIntent = { name: string; questions: readonly [string, ...string[]]; answer: string }

/**
 * The smallest bundle that passes every gate and is worth editing: two intents, a fallback, the required policies and
 * one suite of each kind. Keyed by paths inside the bundle.
 */
export function scaffoldBundle({ name, author, description, first }: BundleIdea, at: Date): Map<string, string> {
  const example = first === undefined ? OPENING_HOURS : exampleOf(first)
  return new Map([
    [
      'manifest.yaml',
      `bundle_name: ${name}
bundle_version: 0.1.0
created_at: '${at.toISOString()}'
created_by: ${author}
description: ${description === undefined ? `What ${name} answers, and to whom.` : JSON.stringify(description)}
runtime_compatibility:
  min_version: 1.0.0
`,
    ],
    ['metadata/bundle.yaml', `owner: ${author}\ntags: []\nenvironment: production\nnotes: ''\n`],
    ['ontology/ontology.yaml', ontology(example.intent)],
    ['entities/question.schema.yaml', entity('Question', 'question', 500)],
    ['entities/answer.schema.yaml', entity('Answer', 'answer', 2000)],
    ['policies/security.yaml', "allowed_intents: ['*']\nmax_input_chars: 500\nallowed_aliases: [current, candidate]\n"],
    ['policies/rate_limit.yaml', 'execute:\n  per_minute: 600\n'],
    ['policies/redaction.yaml', REDACTION],
    [`templates/${example.name}.j2`, `${example.template}\n`],
    ['templates/contact.j2', 'Write to {{ facts.email }}. We answer within {{ facts.hours }} hours.\n'],
    ['templates/not_understood.j2', 'I did not understand that. Please ask in other words.\n'],
    ['suites/routing.json', suite('routing', [example.routing, ...ROUTING_CASES])],
    ['suites/threshold.json', suite('threshold', [example.threshold, ...THRESHOLD_CASES])],
    ['suites/golden.json', suite('golden', [example.golden, ...GOLDEN_CASES])],
  ])
}

/** The first intent of a bundle, with a case for each suite. */
type Example = { name: string; intent: string; template: string; routing: object; threshold: object; golden: object }

const OPENING_HOURS: Example = {
  name: 'opening_hours',
  intent: `  - name: opening_hours
    title: Opening hours
    template: opening_hours.j2
    facts: { opens: '09:00', closes: '17:00' }
    utterances:
      - When are you open?
      - What are your opening hours?
      - Are you open on Monday?
      - What time do you close today?
      - Until when can I come by?
      - Is the office open now?
      - Which days are you open?
      - At what time do you open in the morning?
`,
  template: 'We are open from {{ facts.opens }} to {{ facts.closes }}, Monday to Friday.',
  routing: { name: 'hours', input: { question: 'When do you open?' }, expect: { intent: 'opening_hours' } },
  threshold: { name: 'in scope', input: { question: 'What are your opening hours?' }, expect: { outcome: 'answered' } },
  golden: {
    name: 'hours',
    input: { question: 'What are your opening hours?' },
    expect: { intent: 'opening_hours', output: { answer: 'We are open from 09:00 to 17:00, Monday to Friday.' } },
  },
}

function exampleOf({ name, questions, answer }: FirstIntent): Example {
  const input = { question: questions[0] }
  const utterances = questions.map((text) => `      - ${JSON.stringify(text)}\n`)
  return {
    name,
    intent: `  - name: ${name}
    title: ${JSON.stringify(name.replaceAll('_', ' '))}
    template: ${name}.j2
    utterances:
${utterances.join('')}`,
    template: answer,
    routing: { name: `${name} is found`, input, expect: { intent: name } },
    threshold: { name: 'in scope', input, expect: { outcome: 'answered' } },
    golden: { name: `${name} is answered`, input, expect: { intent: name, output: { answer } } },
  }
}

const ontology = (intent: string) => `language: en
normalization:
  fold_accents: true
  stemmer: english

routing:
  threshold: 0.35
  input: question
  question: question
  output: answer

fallback: not_understood

intents:
${intent}  - name: contact
    title: How to reach us
    template: contact.j2
    facts: { email: help@example.org, hours: 24 }
    utterances:
      - How can I reach you?
      - What is your e-mail address?
      - I want to write to somebody
      - Where do I send a message?
      - How do I contact support?
      - Can I talk to a person?
      - Give me your contact details
      - Whom do I write to with a question?
  - name: not_understood
    title: Nothing matched
    template: not_understood.j2
    utterances: []

out_of_scope:
  utterances:
    - What is the capital of France?
    - Tell me a joke
    - How do I bake bread?
`

const REDACTION = `rules:
  - name: email_in_question
    pattern: '\\b[A-Za-z0-9._%+-]{1,64}@customer\\.example\\b'
    replacement: '[e-mail]'
`

const ROUTING_CASES = [{ name: 'contact', input: { question: 'How do I contact you?' }, expect: { intent: 'contact' } }]

const THRESHOLD_CASES = [
  { name: 'out of scope', input: { question: 'Tell me a joke about bread' }, expect: { outcome: 'fallback' } },
]

const GOLDEN_CASES = [
  {
    name: 'contact',
    input: { question: 'How do I contact support?' },
    expect: { intent: 'contact', output: { answer: 'Write to help@example.org. We answer within 24 hours.' } },
  },
  {
    name: 'out of scope',
    input: { question: 'What is the capital of France?' },
    expect: { outcome: 'fallback', output: { answer: 'I did not understand that. Please ask in other words.' } },
  },
]

function entity(title: string, property: string, maxLength: number): string {
  return `$schema: https://json-schema.org/draft/2020-12/schema
title: ${title}
type: object
additionalProperties: false
required: [${property}]
properties:
  ${property}:
    type: string
    minLength: 1
    maxLength: ${maxLength}
`
}

function suite(kind: string, cases: readonly object[]): string {
  return `${JSON.stringify({ suite: kind, kind, cases }, null, 2)}\n`
}
