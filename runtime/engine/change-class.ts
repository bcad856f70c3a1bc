import { isDeepStrictEqual } from 'node:util'
import semver from 'semver'
import type { Intent, Ontology } from '../../schemas/registry/ontology.ts'
import { POLICY_KINDS, type Policies, type SecurityPolicy } from '../../schemas/registry/policies.ts'
import { REQUIRED_KINDS } from './policies.ts'
import { compareSchemas, type SchemaChange } from './schema/compare.ts'

/** What SemVer asks of a change (ADR 0008): who calls the bundle must adapt, may use more, or sees no difference in form. */
export type ChangeClass = 'none' | 'patch' | 'minor' | 'major'

/** `subject` names what changed: `intents/<name>`, `entities/<name>/<pointer>`, `policies/<kind>`, `values/<pointer>`. */
export type Change = { class: Exclude<ChangeClass, 'none'>; subject: string; message: string }

/** The parts of a parsed bundle whose form its callers and tenants rely on. */
export type ChangeSubject = {
  ontology: Ontology
  entities: ReadonlyMap<string, object>
  policies: Policies
  templates: ReadonlyMap<string, string>
  documents: ReadonlyMap<string, string>
  valuesSchema: object | null
}

const RANK: Record<ChangeClass, number> = { none: 0, patch: 1, minor: 2, major: 3 }

/** Every change of form between two versions of a bundle, the gravest first, and the class of them all together. */
export function classifyChange(before: ChangeSubject, after: ChangeSubject): { class: ChangeClass; changes: Change[] } {
  const changes = [
    ...entityChanges(before, after),
    ...intentChanges(before, after),
    ...routingChanges(before, after),
    ...policyChanges(before.policies, after.policies),
    ...valuesChanges(before.valuesSchema, after.valuesSchema),
    ...wordingChanges(before, after),
  ].toSorted((a, b) => RANK[b.class] - RANK[a.class] || (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0))
  return { class: changes[0]?.class ?? 'none', changes }
}

/**
 * Whether a version may follow another with a change of this class. A pre-release promises nothing about its release,
 * and under 1.0.0 the MINOR stands for the MAJOR, as SemVer leaves to whoever publishes.
 */
export function versionAllows(from: string, to: string, change: ChangeClass): boolean {
  if (change === 'none') return true
  const [was, is] = [semver.parse(from), semver.parse(to)]
  if (was === null || is === null || semver.lte(is, was)) return false
  const raised = is.major > was.major ? 'major' : is.minor > was.minor ? 'minor' : 'patch'
  if (raised === 'patch' && is.patch === was.patch) return true
  return RANK[raised] + (was.major === 0 ? 1 : 0) >= RANK[change]
}

function entityChanges(before: ChangeSubject, after: ChangeSubject): Change[] {
  return [
    ...removed([...before.entities.keys()], [...after.entities.keys()]).map((name): Change => ({
      class: 'major',
      subject: `entities/${name}`,
      message: 'entity removed',
    })),
    ...removed([...after.entities.keys()], [...before.entities.keys()]).map((name): Change => ({
      class: 'minor',
      subject: `entities/${name}`,
      message: 'entity added',
    })),
    ...rolesOf(before, after).flatMap(({ role, from, to }) => {
      const [was, is] = [before.entities.get(from), after.entities.get(to)]
      if (was === undefined || is === undefined) return []
      return compareSchemas(was, is).map((change): Change => {
        const subject = `entities/${from === to ? to : `${from} -> ${to}`}${change.pointer}`
        return { class: CLASSES[role][change.kind], subject, message: `${role}: ${change.message}` }
      })
    }),
  ]
}

type Role = 'input' | 'output'

/** A caller's input must still be taken; a caller must still find in the output what was there, and nothing new where it reads. */
const CLASSES: Record<Role, Record<SchemaChange['kind'], Change['class']>> = {
  input: {
    narrower: 'major',
    wider: 'minor',
    'optional field added': 'minor',
    'required field added': 'major',
    'field removed': 'major',
    other: 'major',
  },
  output: {
    narrower: 'minor',
    wider: 'major',
    'optional field added': 'minor',
    'required field added': 'minor',
    'field removed': 'major',
    other: 'major',
  },
}

/** Which entity of the version before is which of the version after, and for what; each pair once. */
function rolesOf(before: ChangeSubject, after: ChangeSubject): { role: Role; from: string; to: string }[] {
  const intents = new Map(after.ontology.intents.map((intent) => [intent.name, intent]))
  const pairs = (['input', 'output'] as const).flatMap((role) => [
    { role, from: before.ontology.routing[role], to: after.ontology.routing[role] },
    ...before.ontology.intents.flatMap((intent) => {
      const now = intents.get(intent.name)
      return now === undefined
        ? []
        : [{ role, from: intent[role] ?? before.ontology.routing[role], to: now[role] ?? after.ontology.routing[role] }]
    }),
  ])
  const used = new Set(pairs.map(({ from }) => from))
  const unused = [...before.entities.keys()].filter((name) => !used.has(name))
  const both = unused.flatMap((name) => (['input', 'output'] as const).map((role) => ({ role, from: name, to: name })))
  return [...new Map([...pairs, ...both].map((pair) => [JSON.stringify(pair), pair])).values()]
}

function intentChanges({ ontology: before }: ChangeSubject, { ontology: after }: ChangeSubject): Change[] {
  const names = ({ intents }: Ontology) => intents.map(({ name }) => name)
  const now = new Map(after.intents.map((intent) => [intent.name, intent]))
  const about = (name: string, of: Change['class'], message: string): Change => ({
    class: of,
    subject: `intents/${name}`,
    message,
  })
  return [
    ...removed(names(before), names(after)).map((name) => about(name, 'major', 'intent removed or renamed')),
    ...removed(names(after), names(before)).map((name) => about(name, 'minor', 'intent added')),
    ...before.intents.flatMap((was) => {
      const is = now.get(was.name)
      if (is === undefined) return []
      if (formOf(was) !== formOf(is))
        return [about(was.name, 'major', `answers with ${formOf(is)} instead of ${formOf(was)}`)]
      if (formOf(was) !== 'facts') return []
      return removed(Object.keys(was.facts ?? {}), Object.keys(is.facts ?? {})).map((fact) =>
        about(was.name, 'major', `output removed: ${fact}`),
      )
    }),
  ]
}

/** Facts without a template are the output itself. */
function formOf({ template, retrieval }: Intent): 'text' | 'passages' | 'facts' {
  if (template !== undefined) return 'text'
  return retrieval === undefined ? 'facts' : 'passages'
}

function routingChanges({ ontology: before }: ChangeSubject, { ontology: after }: ChangeSubject): Change[] {
  const [was, is] = [before.routing.question, after.routing.question]
  const changes: Change[] = []
  if (was !== is)
    changes.push({
      class: 'major',
      subject: 'routing/question',
      message: `the question is read from ${is} instead of ${was}`,
    })
  if (before.fallback !== after.fallback)
    changes.push({ class: 'minor', subject: 'fallback', message: `${before.fallback} -> ${after.fallback}` })
  return changes
}

function policyChanges(before: Policies, after: Policies): Change[] {
  return POLICY_KINDS.flatMap((kind): Change[] => {
    const subject = `policies/${kind}`
    const [was, is] = [before[kind], after[kind]]
    if (isDeepStrictEqual(was, is)) return []
    if (is === undefined) {
      const required = (REQUIRED_KINDS as readonly string[]).includes(kind)
      return [{ class: required ? 'major' : 'minor', subject, message: 'policy removed' }]
    }
    if (was === undefined) return [{ class: 'minor', subject, message: 'policy added' }]
    if (kind === 'security') return securityChanges(before.security!, after.security!)
    return [{ class: 'patch', subject, message: 'policy changed' }]
  })
}

/** What was allowed must stay allowed. */
function securityChanges(before: SecurityPolicy, after: SecurityPolicy): Change[] {
  const lists = (['allowed_intents', 'allowed_locales', 'allowed_aliases'] as const).flatMap((rule): Change[] => {
    const [was, is] = [everything(before[rule]), everything(after[rule])]
    const subject = `policies/security/${rule}`
    const gone = is === null ? [] : removed(was ?? ['everything'], is)
    const come = was === null ? [] : removed(is ?? ['everything'], was)
    return [
      ...(gone.length > 0 ? [{ class: 'major', subject, message: `no longer ${gone.join(', ')}` } as const] : []),
      ...(come.length > 0 ? [{ class: 'minor', subject, message: `also ${come.join(', ')}` } as const] : []),
    ]
  })
  const [was, is] = [before.max_input_chars, after.max_input_chars]
  if (was === is) return lists
  return [
    ...lists,
    { class: is < was ? 'major' : 'minor', subject: 'policies/security/max_input_chars', message: `${was} -> ${is}` },
  ]
}

function everything(allowed: readonly string[] | undefined): readonly string[] | null {
  return allowed === undefined || allowed.includes('*') ? null : allowed
}

/** Values are a tenant's input to the bundle. */
function valuesChanges(before: object | null, after: object | null): Change[] {
  const nothing = { type: 'object', additionalProperties: false, properties: {} }
  return compareSchemas(before ?? nothing, after ?? nothing).map(({ pointer, kind, message }) => {
    const harmless = kind === 'required field added' || kind === 'optional field added'
    return { class: harmless ? 'minor' : CLASSES.input[kind], subject: `values${pointer}`, message }
  })
}

/** Answers and routing may change within the same form; that is what bundles are published for. */
function wordingChanges(before: ChangeSubject, after: ChangeSubject): Change[] {
  const about = (subject: string, was: unknown, is: unknown): Change[] =>
    isDeepStrictEqual(was, is) ? [] : [{ class: 'patch', subject, message: 'wording changed' }]
  const intents = new Map(after.ontology.intents.map((intent) => [intent.name, intent]))
  return [
    ...[...before.templates].flatMap(([file, text]) => about(`templates/${file}`, text, after.templates.get(file))),
    ...[...before.documents].flatMap(([file, text]) => about(`documents/${file}`, text, after.documents.get(file))),
    ...before.ontology.intents.flatMap((intent) =>
      intents.has(intent.name) ? about(`intents/${intent.name}`, intent, intents.get(intent.name)) : [],
    ),
    ...about(
      'routing',
      [before.ontology.routing, before.ontology.normalization, before.ontology.synonyms, before.ontology.out_of_scope],
      [after.ontology.routing, after.ontology.normalization, after.ontology.synonyms, after.ontology.out_of_scope],
    ),
  ]
}

function removed(before: readonly string[], after: readonly string[]): string[] {
  return before.filter((name) => !after.includes(name))
}
