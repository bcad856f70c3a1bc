import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { GateOutcome, GateRequest } from './judge-bundle.ts'
import type { GateReport } from './report.ts'

/** What a sandbox child may be asked; `files` of the last two are those of a sealed bundle. */
export type Task =
  /** Answers with an outcome whose cases ran once, in the order given. */
  | { kind: 'judge'; request: GateRequest }
  /** Answers with the results of the suites, whose cases ran backwards. */
  | { kind: 'repeat'; files: BundleFiles }
  /** Answers with what is wrong with a tenant's values in this bundle. */
  | { kind: 'values'; files: BundleFiles; values: Values }

type WireFiles = [path: string, base64: string][]
type WireRequest = Omit<GateRequest, 'files' | 'previous' | 'router'> & {
  files: WireFiles
  previous: WireFiles | null
  router: string | null
}
type WireTask =
  | { kind: 'judge'; request: WireRequest }
  | { kind: 'repeat'; files: WireFiles }
  | { kind: 'values'; files: WireFiles; values: Values }

/**
 * What passes between the controller and the sandbox child: one JSON document each way. Of the sealed files only
 * those under `sealed/` and the manifest come back, so that the child cannot put other sources in their place.
 */
export function encodeTask(task: Task): string {
  return JSON.stringify(
    task.kind === 'judge'
      ? { kind: task.kind, request: encodeRequest(task.request) }
      : { ...task, files: encodeFiles(task.files) },
  )
}

export function decodeTask(text: string): Task {
  const task = JSON.parse(text) as WireTask
  return task.kind === 'judge'
    ? { kind: task.kind, request: decodeRequest(task.request) }
    : { ...task, files: decodeFiles(task.files) }
}

function encodeRequest({ files, previous, router, ...rest }: GateRequest): WireRequest {
  return {
    ...rest,
    files: encodeFiles(files),
    previous: previous === null ? null : encodeFiles(previous),
    router: router?.toString('base64') ?? null,
  }
}

function decodeRequest({ files, previous, router, ...rest }: WireRequest): GateRequest {
  return {
    ...rest,
    files: decodeFiles(files),
    previous: previous === null ? null : decodeFiles(previous),
    ...(router === null ? {} : { router: Buffer.from(router, 'base64') }),
  }
}

export function encodeOutcome({ report, sealed }: GateOutcome, source: BundleFiles): string {
  const made =
    sealed === null ? null : new Map([...sealed].filter(([path]) => !source.has(path) || path === 'manifest.yaml'))
  return JSON.stringify({ report, made: made === null ? null : encodeFiles(made) })
}

export function decodeOutcome(text: string, source: BundleFiles): GateOutcome {
  const { report, made } = JSON.parse(text) as { report: GateReport; made: WireFiles | null }
  return { report, sealed: made === null ? null : new Map([...source, ...decodeFiles(made)]) }
}

function encodeFiles(files: BundleFiles): WireFiles {
  return [...files].map(([path, body]) => [path, body.toString('base64')])
}

function decodeFiles(files: WireFiles): BundleFiles {
  return new Map(files.map(([path, body]) => [path, Buffer.from(body, 'base64')]))
}
