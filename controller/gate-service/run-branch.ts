import type { Repository } from '../../runtime/git/repository.ts'
import { entryAt, patchTree, readTree, subtree } from '../../runtime/git/tree-files.ts'
import { formatStateFile } from '../../runtime/trust/state-files.ts'
import { verifyCommit } from '../../runtime/trust/verify-commit.ts'
import { Fault } from '../../schemas/fault.ts'
import type { GateRun } from '../../schemas/http/gate-run.ts'
import { reportDigest } from '../gates/report.ts'
import { controllerPerson } from '../promotion/controller-person.ts'
import { reportPath } from '../promotion/reports.ts'
import type { Signer } from '../promotion/sign.ts'
import { writeSignedCommit } from '../promotion/signed-objects.ts'

/**
 * Runs and their reports have a branch of their own: `reports` moves together with `live`, and whoever else moved it
 * would make a promotion lose its race (ADR 0028).
 */
export const GATE_RUNS_REF = 'refs/heads/gate-runs'

/** A run with its verdict. */
export type FinishedRun = GateRun & { status: 'finished'; finished_at: string; report: string }

/** Where a run stands, by its name: `runs/<month>/<rest of the time>.<bundle>.<id>.json`. */
export type RunName = { path: string; oid: string; bundle: string; id: string }

export type RunBranch = {
  /** Writes runs and the bytes of their reports, by digest. @throws Fault `REF_CONFLICT` after many lost races */
  write(runs: readonly FinishedRun[], reports: ReadonlyMap<string, Buffer>): Promise<void>
  /** Newest first; reads no run. @throws Fault `UNTRUSTED` where no controller wrote the branch */
  names(): Promise<readonly RunName[]>
  read(name: RunName): Promise<FinishedRun>
  /** The bytes of a report of this branch; null where there is none. @throws Fault `OBJECT_CORRUPT` */
  report(digest: string): Promise<Buffer | null>
}

export type RunBranchDeps = {
  repository: Repository
  signer: Signer
  registry: string
  /** Keys of controllers: only what one of them signed is believed. */
  keys: () => readonly string[]
  now: () => Date
}

const MAX_ROUNDS = 10
const MAX_COMMIT_BYTES = 65_536
const MAX_RUN_BYTES = 65_536
const NAME = /^(.+)\.([a-z0-9][a-z0-9-]{0,62})\.([0-9a-f]{64})\.json$/

export function openRunBranch({ repository, signer, registry, keys, now }: RunBranchDeps): RunBranch {
  let months = new Map<string, RunName[]>()
  let all: { tip: string | null; tree: string | null; names: RunName[] } = { tip: null, tree: null, names: [] }

  async function treeOfTip(): Promise<{ tip: string | null; tree: string | null }> {
    const tip = await repository.readRef(GATE_RUNS_REF)
    if (tip === null || tip === all.tip) return { tip, tree: tip === null ? null : all.tree }
    const { tree } = verifyCommit(tip, await repository.read(tip, 'commit', MAX_COMMIT_BYTES), keys())
    return { tip, tree }
  }

  async function names(): Promise<readonly RunName[]> {
    const { tip, tree } = await treeOfTip()
    if (tree === null) return []
    if (tip === all.tip) return all.names
    const known = months
    months = new Map()
    const folders = (await subtree(repository, tree, 'runs')) ?? []
    for (const { name: month, oid } of folders.reverse())
      months.set(oid, known.get(oid) ?? namesOf(month, await readTree(repository, oid)))
    all = { tip, tree, names: [...months.values()].flat() }
    return all.names
  }

  async function writeOnce(files: ReadonlyMap<string, Buffer>, count: number): Promise<void> {
    const { tip, tree } = await treeOfTip()
    const next = await patchTree(repository, tree, files)
    if (next === tree) return
    const commit = await writeSignedCommit(repository, signer, {
      tree: next,
      parents: tip === null ? [] : [tip],
      person: controllerPerson(registry, now()),
      message: `add ${count} gate run(s)\n\nRegistry: ${registry}\n`,
    })
    await repository.updateRefs([{ ref: GATE_RUNS_REF, old: tip, new: commit }])
  }

  return {
    names,
    async write(runs, reports) {
      const files = new Map([...reports].map(([digest, bytes]) => [reportPath(digest), bytes]))
      for (const run of runs) files.set(pathOf(run), formatStateFile(run))
      for (let round = 1; ; round++) {
        try {
          return await writeOnce(files, runs.length)
        } catch (error) {
          if (!(error instanceof Fault) || error.reason !== 'REF_CONFLICT' || round === MAX_ROUNDS) throw error
          await repository.refresh()
        }
      }
    },
    async read({ oid }) {
      return JSON.parse((await repository.read(oid, 'blob', MAX_RUN_BYTES)).toString('utf8')) as FinishedRun
    },
    async report(digest) {
      const { tree } = await treeOfTip()
      const entry = tree === null ? null : await entryAt(repository, tree, reportPath(digest))
      if (entry === null) return null
      const bytes = await repository.read(entry.oid, 'blob')
      if (reportDigest(bytes) === digest) return bytes
      throw new Fault('OBJECT_CORRUPT', `${reportPath(digest)} on ${GATE_RUNS_REF} has not the digest of its name`)
    },
  }
}

/** `runs/2026-11/21T091601123Z.faq.<id>.json` */
function pathOf({ finished_at, bundle, id }: FinishedRun): string {
  const [month, rest] = [finished_at.slice(0, 7), finished_at.slice(8).replace(/[:.]/g, '')]
  return `runs/${month}/${rest}.${bundle}.${id}.json`
}

function namesOf(month: string, entries: readonly { name: string; oid: string }[]): RunName[] {
  return entries.toReversed().flatMap(({ name, oid }) => {
    const match = NAME.exec(name)
    if (match === null) return []
    return [{ path: `runs/${month}/${name}`, oid, bundle: match[2]!, id: match[3]! }]
  })
}
