import type { RefUpdate, Repository } from '../../runtime/git/repository.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { entryAt, patchTree } from '../../runtime/git/tree-files.ts'
import { controllerPerson } from './controller-person.ts'
import type { Signer } from './sign.ts'
import { writeSignedCommit } from './signed-objects.ts'

export const REPORTS_REF = 'refs/heads/reports'

/** `reports/<xx>/<64 hex digits>.json` */
export function reportPath(digest: string): string {
  const hex = digest.slice('sha256:'.length)
  return `reports/${hex.slice(0, 2)}/${hex}.json`
}

/**
 * Writes reports, by digest, on top of the branch `reports`, and answers how its ref must move; null where all of them
 * stand there already.
 */
export async function writeReports(
  repository: Repository,
  signer: Signer,
  registry: string,
  reports: ReadonlyMap<string, Buffer>,
  now: Date,
): Promise<RefUpdate | null> {
  if (reports.size === 0) return null
  const old = await repository.readRef(REPORTS_REF)
  const base = old === null ? null : (await readCommit(repository, old)).tree
  const files = new Map([...reports].map(([digest, bytes]) => [reportPath(digest), bytes]))
  const tree = await patchTree(repository, base, files)
  if (tree === base) return null
  const message = `add ${reports.size} gate report(s)\n\nRegistry: ${registry}\n`
  const person = controllerPerson(registry, now)
  const parents = old === null ? [] : [old]
  return { ref: REPORTS_REF, old, new: await writeSignedCommit(repository, signer, { tree, parents, person, message }) }
}

/** The bytes of a report; null where there is none of that digest. `ref` is where a clone has the branch. */
export async function readReport(repository: Repository, digest: string, ref = REPORTS_REF): Promise<Buffer | null> {
  const tip = await repository.readRef(ref)
  if (tip === null) return null
  const entry = await entryAt(repository, (await readCommit(repository, tip)).tree, reportPath(digest))
  return entry === null ? null : repository.read(entry.oid, 'blob')
}
