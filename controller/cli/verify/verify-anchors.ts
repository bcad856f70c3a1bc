import { openCheckpoint, type Checkpoint } from '../../../runtime/audit/checkpoint.ts'
import { openCosignature, parseWitness } from '../../../runtime/audit/cosignature.ts'
import { parseVerifier } from '../../../runtime/audit/note.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import { diffTrees } from '../../../runtime/git/tree-diff.ts'
import { entryAt } from '../../../runtime/git/tree-files.ts'
import { verifyCommit } from '../../../runtime/trust/verify-commit.ts'
import { Fault } from '../../../schemas/fault.ts'

export type Anchors = { commits: number; logs: number }

const MAX_BYTES = 262_144
const MAX_COMMITS = 10_000_000

/**
 * Verifies the branch `audit` from its first commit to its tip: one line of commits, each signed by a key that the root
 * named, and in them checkpoints that their logs signed, that the witness cosigned, and that never shrink.
 * @param keys every key that the controller ever had
 * @throws Fault `UNTRUSTED`, `AUDIT_BROKEN` with the commit and the log, and those of `runtime/git`
 */
export async function verifyAnchors(
  reader: ObjectReader,
  tip: string,
  registry: string,
  keys: readonly string[],
): Promise<Anchors> {
  const commits = await lineOf(reader, tip, keys)
  const logs = new Map<string, Checkpoint>()
  let before: string | null = null
  for (const { oid, tree } of commits) {
    const files = filesOf(reader, oid, tree)
    for (const { path, after } of await diffTrees(reader, before, tree)) {
      if (after === null) throw broken(oid, `${path} was removed`)
      if (path.endsWith('/checkpoint')) await verifyCheckpoint(path, files)
    }
    before = tree
  }
  return { commits: commits.length, logs: logs.size }

  async function verifyCheckpoint(path: string, { oid, json, text }: ReturnType<typeof filesOf>): Promise<void> {
    const named = await json('witness.json')
    if (named['registry'] !== registry) throw broken(oid, `it is of the registry ${String(named['registry'])}`)
    const { origin, verifier } = await json(path.replace(/checkpoint$/, 'log.json'))
    const note = await text(path)
    const next = openCheckpoint(note, String(origin), parseVerifier(String(verifier)))
    openCosignature(note, parseWitness(String(named['witness'])))
    const known = logs.get(next.origin)
    if (known !== undefined && next.size < known.size)
      throw broken(oid, `${next.origin} went from ${known.size} records to ${next.size}`)
    if (known?.size === next.size && !known.root.equals(next.root))
      throw broken(oid, `${next.origin} has two roots for ${next.size} records`)
    logs.set(next.origin, next)
  }
}

/** Oldest first. */
async function lineOf(reader: ObjectReader, tip: string, keys: readonly string[]) {
  const line: { oid: string; tree: string }[] = []
  for (let oid: string | undefined = tip; oid !== undefined;) {
    if (line.length === MAX_COMMITS) throw broken(tip, `it has more than ${MAX_COMMITS} commits`)
    const { tree, parents }: { tree: string; parents: readonly string[] } = verifyCommit(
      oid,
      await reader.read(oid, 'commit', MAX_BYTES),
      keys,
    )
    if (parents.length > 1) throw broken(oid, 'it has two parents')
    line.push({ oid, tree })
    oid = parents[0]
  }
  return line.reverse()
}

function filesOf(reader: ObjectReader, oid: string, tree: string) {
  const text = async (path: string): Promise<string> => {
    const entry = await entryAt(reader, tree, path)
    if (entry === null) throw broken(oid, `${path} is not there`)
    return (await reader.read(entry.oid, 'blob', MAX_BYTES)).toString('utf8')
  }
  const json = async (path: string): Promise<Record<string, unknown>> => {
    const body = await text(path)
    try {
      const value: unknown = JSON.parse(body)
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch (error) {
      throw new Fault('AUDIT_BROKEN', `the branch audit at ${oid}: ${path} is not JSON`, { cause: error })
    }
    throw broken(oid, `${path} is not an object`)
  }
  return { oid, text, json }
}

const broken = (oid: string, why: string): Fault => new Fault('AUDIT_BROKEN', `the branch audit at ${oid}: ${why}`)
