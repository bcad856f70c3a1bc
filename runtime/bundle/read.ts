import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { DIRECTORY, parseTree } from '../git/tree.ts'
import { BUNDLE_LIMITS, layoutFindings, pathProblem, type BundleFiles, type BundleLimits } from './files.ts'

/** Room for more entries than any limit allows. */
const MAX_TREE_BYTES = 1024 * 1024

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
 * The files of a bundle below a tree, within `limits` (`SEALED_LIMITS` for a sealed one). What may not be in a bundle is a finding of gate `layout`
 * and left out; every visit counts, so that a tree that holds itself many times ends early. `pathPrefix`, such as
 * `bundles/faq/`, goes in front of the paths of findings.
 * @throws Fault when Git itself cannot be read
 */
export async function readBundleFiles(
  reader: ObjectReader,
  treeOid: string,
  pathPrefix: string,
  limits: BundleLimits = BUNDLE_LIMITS,
): Promise<{ files: BundleFiles; findings: Finding[] }> {
  const findings: Finding[] = []
  const entries: Entry[] = []
  try {
    await listEntries(reader, treeOid, '', entries, { left: limits.entries })
  } catch (error) {
    return { files: new Map(), findings: [contentFinding(error, pathPrefix, limits)] }
  }
  const refused = layoutFindings(entries, pathPrefix)
  findings.push(...refused.values())
  const files = new Map<string, Buffer>()
  let left = limits.bytes
  for (const { path, oid } of entries.filter((entry) => !refused.has(entry.path))) {
    try {
      const body = await reader.read(oid, 'blob', Math.min(left, limits.fileBytes))
      left -= body.length
      files.set(path, body)
    } catch (error) {
      findings.push(contentFinding(error, `${pathPrefix}${path}`, limits))
      // Nothing after this fits either, and what is missing must not be mistaken for what is absent.
      if (left < limits.fileBytes) break
    }
  }
  return { files, findings }
}

async function listEntries(
  reader: ObjectReader,
  oid: string,
  prefix: string,
  entries: Entry[],
  budget: { left: number },
): Promise<void> {
  for (const { mode, name, oid: child } of parseTree(await reader.read(oid, 'tree', MAX_TREE_BYTES))) {
    const path = `${prefix}${name}`
    if (--budget.left < 0) throw new Fault('FILE_TOO_LARGE', `${path}: there are too many files and folders`)
    const problem = mode === DIRECTORY ? pathProblem(path) : null
    if (problem !== null) throw new Fault('PATH_INVALID', `${path}: ${problem}`)
    if (mode === DIRECTORY) await listEntries(reader, child, `${path}/`, entries, budget)
    else entries.push({ path, mode, oid: child })
  }
}

function contentFinding(error: unknown, path: string, { entries, fileBytes, bytes }: BundleLimits): Finding {
  if (!(error instanceof Fault) || !CONTENT.has(error.reason)) throw error
  const { message } = error
  const tooLarge = error.reason === 'OBJECT_TOO_LARGE' || error.reason === 'FILE_TOO_LARGE'
  const code = tooLarge ? 'FILE_TOO_LARGE' : error.reason
  const hint = tooLarge
    ? `A file has at most ${fileBytes} bytes, a bundle ${entries} files and folders and ${bytes} bytes.`
    : 'Commit plain files with an ordinary Git client.'
  return { gate: 'layout', code, severity: 'error', path, line: 1, column: 1, message, hint }
}
