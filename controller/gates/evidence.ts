import { compileBundle } from '../../runtime/bundle/compile.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { LoadedBundle } from '../../runtime/bundle/load.ts'
import { parseBundle, type ParsedBundle } from '../../runtime/bundle/parse.ts'
import { checkTemplateNames } from '../../runtime/bundle/template-names.ts'
import { checkEntitySchema } from '../../runtime/engine/contract.ts'
import { judgeSuites, runSuites } from '../../runtime/engine/suites.ts'
import { checkTemplate } from '../../runtime/engine/template/check.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Evidence } from './gate.ts'
import { needsOf } from './needs.ts'
import { reportInputs } from './report-inputs.ts'
import { findSecrets } from './secret-scan.ts'
import { judgeEvidence, type GateOutcome, type GateRequest } from './judge-bundle.ts'

/**
 * Parses, compiles and runs a bundle through the Runtime's own engine, and judges what came of it. Hostile bundles
 * make this slow or fatal, so the controller only calls it in the sandbox child. Every case runs again, in the other
 * direction: `here`, or `elsewhere`, in a process of its own, whose results are judged by `withRepetition`.
 */
export function judgeBundle(request: GateRequest, again: 'here' | 'elsewhere' = 'here'): GateOutcome {
  const { files, name } = request
  const prefix = `bundles/${name}/`
  const { bundle, findings } = parseBundle(files, prefix)
  const entities = bundle === null ? [] : entityFindings(bundle, prefix)
  const templates = bundle === null ? [] : templateFindings(bundle, prefix, entities)
  const sound = ![...findings, ...templates, ...entities].some((finding) => finding.severity === 'error')
  const compiled = bundle !== null && sound ? compile(request, bundle) : null
  const loaded = compiled?.kind === 'compiled' ? compiled.loaded : null
  const given = loaded === null ? null : judgeSuites(loaded, {}, { order: 'given' })
  const evidence: Evidence = {
    name,
    prefix,
    rules: request.rules,
    files,
    inputs: reportInputs(request),
    shape: findings,
    bundle,
    templates,
    entities,
    compiled: compiled?.kind === 'compiled' ? compiled : null,
    compileFault: compiled?.kind === 'failed' ? compiled.fault : null,
    compileFindings:
      compiled?.kind === 'failed' ? compiled.fault.findings.map((one) => ({ ...one, path: prefix + one.path })) : [],
    secrets: findSecrets(files),
    suites: given?.suites ?? [],
    suitesReversed: again === 'here' ? repeated(loaded) : null,
    untouched: given?.untouched ?? null,
    needs: bundle === null || loaded === null ? null : needsOf(files, bundle, loaded),
    sealed: request.sealed,
    previous: request.previous === null ? null : parseBundle(request.previous, prefix, 'sealed').bundle,
  }
  return { report: judgeEvidence(evidence), sealed: compiled?.kind === 'compiled' ? compiled.files : null }
}

const repeated = (loaded: LoadedBundle | null) => (loaded === null ? [] : runSuites(loaded, {}, { order: 'reversed' }))

type Compiled =
  | { kind: 'compiled'; files: BundleFiles; digest: string; bundleId: string; loaded: LoadedBundle }
  | { kind: 'failed'; fault: Fault }

function compile({ files, rules, router }: GateRequest, bundle: ParsedBundle): Compiled {
  try {
    const known = { bundle, ...(router !== undefined && { routerOf: () => router }) }
    return { kind: 'compiled', ...compileBundle(files, rules.compiler, known) }
  } catch (error) {
    if (error instanceof Fault) return { kind: 'failed', fault: error }
    throw error
  }
}

/** What is wrong with each template by itself; where nothing is, what they read that is not there. */
function templateFindings(bundle: ParsedBundle, prefix: string, entities: readonly Finding[]): Finding[] {
  const own = [...bundle.templates].flatMap(([file, text]) => checkTemplate(text, `${prefix}templates/${file}`))
  return own.length > 0 || entities.length > 0 ? own : checkTemplateNames(bundle, prefix)
}

function entityFindings(bundle: ParsedBundle, prefix: string): Finding[] {
  return [...bundle.entities].flatMap(([entity, schema]) => {
    const path = `entities/${entity}.schema.yaml`
    return checkEntitySchema(schema, `${prefix}${path}`, (pointer) => bundle.at(path, pointer))
  })
}
