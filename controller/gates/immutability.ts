import type { ParsedBundle } from '../../runtime/bundle/parse.ts'
import { classifyChange, versionAllows, type Change } from '../../runtime/engine/change-class.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Gate } from './gate.ts'

const NAMED = 10

/**
 * New content needs a new version, and a breaking change a new MAJOR (ADR 0008). Content equal to a seal always passes,
 * so that a revert of a bundle change passes.
 */
export const immutability: Gate = {
  name: 'immutability',
  since: 1,
  judge({ bundle, sealed, inputs, prefix, previous, compiled }) {
    if (bundle === null || sealed.some((seal) => seal.source_digest === inputs.source_digest)) return []
    const same = sealed.find((seal) => seal.version === bundle.version)
    if (same !== undefined) return [notBumped(bundle, same.digest, prefix)]
    // Schemas that other gates refuse cannot be compared.
    return previous === null || compiled === null ? [] : stepFindings(previous, bundle, prefix)
  },
}

function notBumped(bundle: ParsedBundle, digest: string, prefix: string): Finding {
  return {
    gate: 'immutability',
    code: 'VERSION_NOT_BUMPED',
    severity: 'error',
    path: `${prefix}manifest.yaml`,
    ...bundle.at('manifest.yaml', ['bundle_version']),
    message: `Version ${bundle.version} is sealed with other content (${digest}).`,
    hint: 'Raise bundle_version: a sealed version never changes.',
  }
}

/** Every breaking change is an error where it stands; what only asks for a MINOR is one warning at the version. */
function stepFindings(previous: ParsedBundle, bundle: ParsedBundle, prefix: string): Finding[] {
  const { class: change, changes } = classifyChange(previous, bundle)
  if (versionAllows(previous.version, bundle.version, change)) return []
  const step = `${previous.version} → ${bundle.version}`
  const version = bundle.at('manifest.yaml', ['bundle_version'])
  if (change !== 'major') {
    const message = `${step}: ${listed(changes.filter((one) => one.class === change))} ${change === 'minor' ? 'asks for a new MINOR version' : 'asks for a higher version'}.`
    const hint = 'Raise the MINOR version, so that people see what the step brings.'
    return [finding(`${prefix}manifest.yaml`, version, message, hint, 'warning')]
  }
  const breaking = changes.filter((one) => one.class === 'major')
  return breaking.slice(0, NAMED).map((one, index) => {
    const more = index === NAMED - 1 && breaking.length > NAMED ? ` (and ${breaking.length - NAMED} more)` : ''
    const file = fileOf(one, bundle)
    const place = file === 'manifest.yaml' ? version : bundle.at(file, pointerOf(one, bundle))
    const message = `${one.subject}: ${one.message}; for whoever uses ${previous.version} that is a breaking change${more}.`
    const hint = `Write bundle_version: ${nextBreaking(previous.version)}, or make the change compatible.`
    return finding(`${prefix}${file}`, place, message, hint, 'error')
  })
}

function finding(
  path: string,
  place: { line: number; column: number },
  message: string,
  hint: string,
  severity: Finding['severity'],
): Finding {
  return { gate: 'immutability', code: 'BREAKING_CHANGE', severity, path, ...place, message, hint }
}

/** The file that a change is about, where the bundle still has it. */
function fileOf({ subject }: Change, { entities, policies, valuesSchema }: ParsedBundle): string {
  const [kind = '', name = ''] = subject.split('/')
  const entity = name.split(' -> ').at(-1) ?? ''
  if (kind === 'entities' && entities.has(entity)) return `entities/${entity}.schema.yaml`
  if (kind === 'policies' && Object.hasOwn(policies, name)) return `policies/${name}.yaml`
  if (kind === 'values' && valuesSchema !== null) return 'values.schema.yaml'
  return kind === 'intents' || kind === 'routing' ? 'ontology/ontology.yaml' : 'manifest.yaml'
}

function pointerOf({ subject }: Change, { ontology }: ParsedBundle): (string | number)[] {
  const [kind = '', name = '', ...rest] = subject.split('/')
  if (kind === 'routing') return ['routing', name]
  if (kind === 'values') return [name, ...rest]
  if (kind !== 'intents') return rest
  const index = ontology.intents.findIndex((intent) => intent.name === name)
  return index < 0 ? ['intents'] : ['intents', index]
}

const listed = (changes: readonly Change[]): string => {
  const named = changes.slice(0, NAMED).map(({ subject, message }) => `${subject} (${message})`)
  return `${named.join(', ')}${changes.length > NAMED ? ` and ${changes.length - NAMED} more` : ''}`
}

/** Under 1.0.0 the MINOR stands for the MAJOR. */
function nextBreaking(version: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`
}
