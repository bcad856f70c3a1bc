import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { DIRECTORY, parseTree } from '../git/tree.ts'
import { BUNDLE_LIMITS, layoutFindings, pathProblem, SEALED_FOLDER, type BundleFiles } from './files.ts'

/** Room for more entries than any limit allows. */
const MAX_TREE_BYTES = 1024 * 1024

/** What is still allowed of a source, and of what was compiled. */
type Budget = { source: number; sealed: number }

const partOf = (path: string): keyof Budget => (`${path}/`.startsWith(SEALED_FOLDER) ? 'sealed' : 'source')

type Entry = { path: string; mode: string; oid: string }

/** Faults that say that what somebody committed is bad; any other says that Git could not be read, and is thrown. */
const CONTENT: ReadonlySet<Reason> = new Set([
  'PATH_INVALID',
  'FILE_TOO_LARGE',
  'OBJECT_TOO_LARGE',
  'OBJECT_CORRUPT',
  'OBJECT_MISSING',
])

/**
 * The files of a bundle, or of a sealed one, below a tree. What may not be in a bundle is a finding of gate `layout` and
 * left out; every visit counts, so that a tree that holds itself many times ends early. `pathPrefix`, such as
 * `bundles/faq/`, goes in front of the paths of findings.
 * @throws Fault when Git itself cannot be read
 */
export async function readBundleFiles(
  reader: ObjectReader,
  treeOid: string,
  pathPrefix: string,
): Promise<{ files: BundleFiles; findings: Finding[] }> {
  const findings: Finding[] = []
  const entries: Entry[] = []
  try {
    const budget: Budget = { source: BUNDLE_LIMITS.entries, sealed: BUNDLE_LIMITS.sealedEntries }
    await listEntries(reader, treeOid, '', entries, budget)
  } catch (error) {
    return { files: new Map(), findings: [contentFinding(error, pathPrefix)] }
  }
  const refused = layoutFindings(entries, pathPrefix)
  findings.push(...refused.values())
  const files = new Map<string, Buffer>()
  const { fileBytes, bytes, sealedBytes } = BUNDLE_LIMITS
  const left: Budget = { source: bytes, sealed: sealedBytes }
  for (const { path, oid } of entries.filter((entry) => !refused.has(entry.path))) {
    const part = partOf(path)
    try {
      const body = await reader.read(oid, 'blob', part === 'sealed' ? left.sealed : Math.min(left.source, fileBytes))
      left[part] -= body.length
      files.set(path, body)
    } catch (error) {
      findings.push(contentFinding(error, `${pathPrefix}${path}`))
      if (left.source < fileBytes) break
    }
  }
  return { files, findings }
}

async function listEntries(
  reader: ObjectReader,
  oid: string,
  prefix: string,
  entries: Entry[],
  budget: Budget,
): Promise<void> {
  for (const { mode, name, oid: child } of parseTree(await reader.read(oid, 'tree', MAX_TREE_BYTES))) {
    const path = `${prefix}${name}`
    if (--budget[partOf(path)] < 0) throw new Fault('FILE_TOO_LARGE', `${path}: there are too many files and folders`)
    const problem = mode === DIRECTORY ? pathProblem(path) : null
    if (problem !== null) throw new Fault('PATH_INVALID', `${path}: ${problem}`)
    if (mode === DIRECTORY) await listEntries(reader, child, `${path}/`, entries, budget)
    else entries.push({ path, mode, oid: child })
  }
}

function contentFinding(error: unknown, path: string): Finding {
  if (!(error instanceof Fault) || !CONTENT.has(error.reason)) throw error
  const { message } = error
  const { entries, fileBytes, bytes } = BUNDLE_LIMITS
  const tooLarge = error.reason === 'OBJECT_TOO_LARGE' || error.reason === 'FILE_TOO_LARGE'
  const code = tooLarge ? 'FILE_TOO_LARGE' : error.reason
  const hint = tooLarge
    ? `A file has at most ${fileBytes} bytes, a bundle ${entries} files and folders and ${bytes} bytes.`
    : 'Commit plain files with an ordinary Git client.'
  return { gate: 'layout', code, severity: 'error', path, line: 1, column: 1, message, hint }
}
