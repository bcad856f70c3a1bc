import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openRepository } from '../../runtime/git/repository.ts'
import { serveGit } from '../support/git-http-server.ts'
import { openTestRegistry, type FileChanges } from '../support/test-registry.ts'
import { FETCH } from './controller-run.ts'
import { fetchProgram } from './fetch-program.ts'
import { runFetch } from './fetch-run.ts'
import { leftoverViolations } from './registry-invariants.ts'
import { copyFolder, type Scenario } from './scenario.ts'

const run = promisify(execFile)
/** More objects than are adopted one by one. */
const MANY = 700

/** A mirror that is a commit behind its server. */
async function prepare(folder: string, behind: FileChanges): Promise<void> {
  const registry = await openTestRegistry()
  try {
    await copyFolder(registry.folder, folder)
    const server = await serveFolder(folder)
    await runFetch(folder, server.url)
    await server.close()
    await registry.commit(behind)
    await copyFolder(registry.location, join(folder, 'registry.git'))
  } finally {
    await registry.close()
  }
}

/** The mirror's own marker follows, because the port is another each time. */
async function serveFolder(folder: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = await serveGit({ root: folder })
  const url = `${server.url}/registry.git`
  await writeFile(join(folder, 'mirror', 'contractor-mirror'), `${url}\n`, { flag: 'r+' }).catch(() => undefined)
  return { url, close: server.close }
}

async function violations(folder: string, url: string): Promise<string[]> {
  const mirror = join(folder, 'mirror')
  const fsck = () =>
    run('git', ['-C', mirror, 'fsck', '--full', '--strict', '--no-dangling']).then(
      () => [],
      (error: unknown) => [`INV1: ${String(error)}`],
    )
  const atOnce = await fsck()
  const found = await runFetch(folder, url)
  const server = await openRepository(join(folder, 'registry.git'))
  const lists = await Promise.all(FETCH.map((ref) => server.listRefs(ref)))
  await server.close()
  const wrong = [...new Map(lists.flatMap((list) => [...list]))].filter(([ref, oid]) => found.get(ref) !== oid)
  const behind = wrong.map(([ref]) => `INV6: ${ref} is not that of the server after a restart`)
  return [...atOnce, ...behind, ...(await fsck()), ...(await leftoverViolations(mirror, []))]
}

const few: FileChanges = { 'tenants/shop/tenant.yaml': 'status: active\n', 'tenants/shop/values.yaml': 'phone: "1"\n' }
const many: FileChanges = Object.fromEntries(
  Array.from({ length: MANY }, (_, index) => [`docs/page-${index}.md`, `page ${index}\n`]),
)

const fetching = (name: string, behind: FileChanges, place: Scenario['place']): Scenario => ({
  name,
  program: fetchProgram,
  place,
  looksAtTheClock: false,
  prepare: (folder) => prepare(folder, behind),
  serve: serveFolder,
  violations: (folder, { url }) => violations(folder, url),
})

/** A few new objects, and a pack of many; in the process that follows, and in the one that reads what the server sends. */
export const fetches: readonly Scenario[] = [
  fetching('fetch', few, 'program'),
  fetching('fetch (child)', few, 'children'),
  fetching('fetch of a pack', many, 'program'),
  fetching('fetch of a pack (child)', many, 'children'),
]
