import { Fault } from '../../schemas/fault.ts'
import type { Explanation } from '../../schemas/http/execute.ts'
import type { SecurityPolicy } from '../../schemas/registry/policies.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { LoadedBundle, SealedIntent } from '../bundle/load.ts'
import type { RankedPassage } from './retrieval/rank-passages.ts'
import { renderTemplate, type Visit } from './template/render.ts'
import { describe } from './values.ts'

export type ExecutionRequest = {
  input: Record<string, unknown>
  /** The intent to answer with, without routing; null to route the question. */
  intent: string | null
  /** `draft` is for engineers and gates; whoever serves tenants refuses it before it comes here. */
  alias: 'current' | 'candidate' | 'draft'
  explain: boolean
}

export type Execution = {
  outcome: 'answered' | 'fallback'
  intent: string
  /** Null where the request named the intent. */
  routing: Explanation | null
  output: unknown
  /** Places of the output that were redacted. */
  redacted: number
  /** What rendering cost, in the deterministic steps of `template/limits.ts`. */
  steps: number
}

/** `heading` is a path such as `Cards > Fees`; empty before the first heading of the document. */
export type Citation = { document: string; heading: string }

export type Routed = Pick<Execution, 'outcome' | 'intent' | 'routing'> & {
  /** Where the intent answers from documents: what it found, best first. */
  passages?: RankedPassage[]
}

/**
 * The part of the pipeline of DESIGN section 5 that is pure: security policy, input against its entity, routing,
 * facts, template or documents, output against its entity, redaction. Each step refuses or hands on; none is skipped.
 * @throws Fault `FORBIDDEN`, `INTENT_UNKNOWN`, `INPUT_INVALID`, `OUTPUT_INVALID`, `BUDGET_EXCEEDED`.
 */
export function execute(bundle: LoadedBundle, request: ExecutionRequest, values: Values): Execution {
  admit(bundle, request)
  return answer(bundle, request, route(bundle, request), values)
}

/** The steps before routing. They run for cached answers too. */
export function admit(bundle: LoadedBundle, { input, intent, alias }: ExecutionRequest): void {
  const { security } = bundle.policies
  if (alias !== 'draft' && !security.allowed_aliases.includes(alias)) {
    throw new Fault('FORBIDDEN', `The security policy does not allow the alias ${alias}.`)
  }
  if (intent !== null) allowIntent(bundle, intentOf(bundle, intent).name)
  checkLocale(security, input)
  checkSize(security, input[bundle.ontology.routing.question])
  const entity = intent === null ? undefined : intentOf(bundle, intent).input
  checkInput(bundle, entity ?? bundle.ontology.routing.input, input)
}

/**
 * The intent that answers, and why: the one named or found, or the fallback where that one answers from documents and
 * none of them has an answer. @throws Fault `FORBIDDEN` where the policy does not allow it.
 */
export function route(bundle: LoadedBundle, request: ExecutionRequest): Routed {
  const routed = routeQuestion(bundle, request)
  const { retrieval } = intentOf(bundle, routed.intent)
  if (retrieval === undefined) return routed
  const passages = findPassages(bundle, retrieval.documents, questionOf(bundle, request))
  if (passages.length > 0) return { ...routed, passages }
  return { ...routed, outcome: 'fallback', intent: bundle.ontology.fallback }
}

function routeQuestion(bundle: LoadedBundle, request: ExecutionRequest): Routed {
  const { ontology, router, policies } = bundle
  const { intent, explain } = request
  if (intent !== null) return { outcome: intent === ontology.fallback ? 'fallback' : 'answered', intent, routing: null }
  const question = questionOf(bundle, request)
  const explained = explain || policies.security.explain === true ? router.explain(question) : null
  const { outcome, intent: found, score, threshold, matched, ambiguous } = explained ?? router.route(question)
  if (found !== ontology.fallback) allowIntent(bundle, found)
  return {
    outcome,
    intent: found,
    routing: {
      score,
      threshold,
      matched,
      ...(ambiguous.length > 0 && { ambiguous }),
      ...(explained && { detail: explained.detail }),
    },
  }
}

function questionOf({ ontology: { routing } }: LoadedBundle, { input }: ExecutionRequest): string {
  const question = input[routing.question]
  if (typeof question !== 'string') throw new Fault('INPUT_INVALID', `/${routing.question} must be a text.`)
  return question
}

/** None where the policy, or the organisation's floor, has turned retrieval off. */
function findPassages({ policies, passages }: LoadedBundle, documents: string[], question: string): RankedPassage[] {
  const { rag } = policies
  if (rag?.enabled !== true) return []
  return passages(question, { documents, maxPassages: rag.max_passages, minScore: rag.min_score })
}

/** The steps after routing, for a request that `admit` let through. */
export function answer(
  bundle: LoadedBundle,
  request: ExecutionRequest,
  routed: Routed,
  values: Values,
  visit?: Visit,
): Execution {
  const intent = intentOf(bundle, routed.intent)
  const { routing } = bundle.ontology
  if (request.intent === null && intent.input !== undefined && intent.input !== routing.input) {
    checkInput(bundle, intent.input, request.input)
  }
  const { passages, ...known } = routed
  const { output, steps } =
    passages === undefined
      ? produce(bundle, intent, request.input, values, visit)
      : { output: cite(passages), steps: 0 }
  const violations = contractOf(bundle, intent.output ?? routing.output)(output)
  if (violations.length > 0) {
    throw new Fault('OUTPUT_INVALID', `The output of ${intent.name} breaks its entity: ${describe(violations)}.`)
  }
  const { value, redacted } = bundle.redact(output)
  return { ...known, output: value, redacted, steps }
}

/** The text of the passages, best first, and where each of them stands. */
function cite(passages: readonly RankedPassage[]): { answer: string; citations: Citation[] } {
  return {
    answer: passages.map(({ text }) => text).join('\n\n'),
    citations: passages.map(({ document, heading }) => ({ document, heading })),
  }
}

function produce(
  bundle: LoadedBundle,
  intent: SealedIntent,
  input: unknown,
  values: Values,
  visit: Visit | undefined,
): { output: unknown; steps: number } {
  if (intent.template === undefined) return { output: intent.facts, steps: 0 }
  const template = bundle.templates.get(intent.template)
  if (template === undefined) throw new Fault('BUNDLE_UNVERIFIED', `The bundle has no template ${intent.template}.`)
  const context = { input, intent: intent.name, facts: intent.facts ?? {}, values: bundle.values.resolve(values) }
  const { text, steps } = renderTemplate(template, context, visit)
  return { output: { answer: text }, steps }
}

function intentOf({ intents }: LoadedBundle, name: string): SealedIntent {
  const intent = intents.get(name)
  if (intent === undefined)
    throw new Fault('INTENT_UNKNOWN', 'The bundle has no such intent; name one of its ontology, or none.')
  return intent
}

/** The fallback answers where nothing else does, and needs no leave of its own where routing leads to it. */
function allowIntent({ policies: { security } }: LoadedBundle, intent: string): void {
  if (security.allowed_intents.includes('*') || security.allowed_intents.includes(intent)) return
  throw new Fault('FORBIDDEN', `The security policy does not allow the intent ${intent}.`)
}

function checkLocale({ allowed_locales }: SecurityPolicy, { locale }: Record<string, unknown>): void {
  if (allowed_locales === undefined || locale === undefined) return
  const asked = typeof locale === 'string' ? locale.toLowerCase() : null
  if (allowed_locales.some((tag) => tag.toLowerCase() === asked)) return
  throw new Fault('INPUT_INVALID', `/locale must be one of ${allowed_locales.join(', ')}.`)
}

function checkSize({ max_input_chars }: SecurityPolicy, question: unknown): void {
  if (typeof question !== 'string' || question.length <= max_input_chars) return
  // Characters beyond the basic plane are two code units; more than twice the limit needs no count.
  if (question.length <= max_input_chars * 2 && Array.from(question).length <= max_input_chars) return
  throw new Fault('INPUT_INVALID', `The question has more than ${max_input_chars} characters.`)
}

function checkInput(bundle: LoadedBundle, entity: string, input: unknown): void {
  const violations = contractOf(bundle, entity)(input)
  if (violations.length > 0)
    throw new Fault('INPUT_INVALID', `The input breaks the entity ${entity}: ${describe(violations)}.`)
}

function contractOf({ contracts }: LoadedBundle, entity: string) {
  const contract = contracts.get(entity)
  if (contract === undefined) throw new Fault('BUNDLE_UNVERIFIED', `The bundle has no entity ${entity}.`)
  return contract
}
