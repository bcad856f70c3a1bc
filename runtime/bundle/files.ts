import type { Finding } from '../../schemas/finding.ts'
import { PATH_SEGMENT } from '../../schemas/names.ts'

/** Path inside the bundle → bytes. */
export type BundleFiles = ReadonlyMap<string, Buffer>

const MIB = 1024 * 1024

/** What a bundle may be made of at most; what was compiled under `sealed/` counts apart from the source. */
export const BUNDLE_LIMITS = {
  depth: 12,
  entries: 2_000,
  fileBytes: MIB,
  bytes: 16 * MIB,
  sealedEntries: 100,
  sealedBytes: 32 * MIB,
} as const

export const SEALED_FOLDER = 'sealed/'

/** Names that Windows gives to devices, whatever follows a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** Why a bundle may not hold a path, or null. */
export function pathProblem(path: string): string | null {
  const segments = path.split('/')
  if (segments.length > BUNDLE_LIMITS.depth) return `expected at most ${BUNDLE_LIMITS.depth} levels`
  for (const segment of segments) {
    if (!PATH_SEGMENT.test(segment)) {
      return `expected names of letters, digits and . _ - that begin with a letter or digit, found ${JSON.stringify(segment)}`
    }
    if (segment.endsWith('.')) return `a name may not end in a dot, found ${JSON.stringify(segment)}`
    if (DEVICE.test(segment)) return `${JSON.stringify(segment)} is the name of a device on Windows`
  }
  return null
}

/** Findings of gate `layout` for paths, modes and names that differ only in case; `prefix` goes in front of paths. */
export function layoutFindings(
  entries: Iterable<{ path: string; mode: string }>,
  prefix: string,
): Map<string, Finding> {
  const findings = new Map<string, Finding>()
  const seen = new Map<string, string>()
  for (const { path, mode } of entries) {
    const problem = modeProblem(mode) ?? pathProblem(path) ?? caseProblem(path, seen)
    if (problem !== null) findings.set(path, pathFinding(`${prefix}${path}`, problem))
  }
  return findings
}

export function pathFinding(path: string, message: string): Finding {
  const hint = 'Use plain files whose names no system reads otherwise.'
  return { gate: 'layout', code: 'PATH_INVALID', severity: 'error', path, line: 1, column: 1, message, hint }
}

const KINDS: Record<string, string> = {
  '100755': 'an executable file',
  '120000': 'a symbolic link',
  '160000': 'a submodule',
}

function modeProblem(mode: string): string | null {
  return mode === '100644' ? null : `expected a plain file (100644), found ${KINDS[mode] ?? 'mode'} (${mode})`
}

/** `seen` maps every path so far and its folders, in lower case, to how they were written; files end in no slash. */
function caseProblem(path: string, seen: Map<string, string>): string | null {
  const segments = path.split('/')
  for (let length = 1; length <= segments.length; length++) {
    const part = segments.slice(0, length).join('/')
    const written = length < segments.length ? `${part}/` : part
    const key = part.normalize('NFC').toLowerCase()
    const other = seen.get(key)
    if (other === undefined) seen.set(key, written)
    else if (other !== written || length === segments.length)
      return `it is the same as ${JSON.stringify(other)} where case is ignored`
  }
  return null
}
