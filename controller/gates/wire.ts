import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { GateOutcome, GateRequest } from './judge-bundle.ts'
import type { GateReport } from './report.ts'

type WireFiles = [path: string, base64: string][]

/**
 * What passes between the controller and the sandbox child: one JSON document each way. Of the sealed files only
 * those under `sealed/` and the manifest come back, so that the child cannot put other sources in their place.
 */
export function encodeRequest(request: GateRequest): string {
  const { files, previous, router, ...rest } = request
  return JSON.stringify({
    ...rest,
    files: encodeFiles(files),
    previous: previous === null ? null : encodeFiles(previous),
    router: router?.toString('base64') ?? null,
  })
}

export function decodeRequest(text: string): GateRequest {
  const { files, previous, router, ...rest } = JSON.parse(text) as Omit<
    GateRequest,
    'files' | 'previous' | 'router'
  > & { files: WireFiles; previous: WireFiles | null; router: string | null }
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
