import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openMemoryFiles } from '../../controller/promotion/memory-files.ts'
import { tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import { bundleDigest } from '../../runtime/bundle/digest.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { parseCommit } from '../../runtime/git/commit-object.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { LIVE_REF, verifyLedger, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import { parseRoot } from '../../runtime/trust/root.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'

const run = promisify(execFile)

/** What must stand on `live` in the end: how often each subject was decided with `allow`. */
export type Expected = Readonly<Record<string, number>>

/** INV1 to INV4 for a repository that a controller writes, as it stands. Answers what does not hold, and the ledger. */
export async function registryViolations(
  folder: string,
  expected: Expected | null,
): Promise<{ violations: string[]; ledger: VerifiedLedger | null }> {
  const location = join(folder, 'registry.git')
  const violations: string[] = []
  const broken = (what: string, error: unknown) => violations.push(`${what}: ${String(error)}`)
  await run('git', ['-C', location, 'fsck', '--full', '--strict', '--no-dangling']).catch((error: unknown) =>
    broken('INV1', error),
  )
  const repository = await openRepository(location)
  try {
    const decisions: Decision[] = []
    const ledger = await verifyLedger({
      reader: repository,
      root: parseRoot(await readFile(join(folder, 'root.json'))),
      accepted: null,
      head: (await repository.readRef(LIVE_REF)) ?? '',
      onStep: ({ entry }) => decisions.push(...entry.decisions),
    }).catch((error: unknown) => (broken('INV4', error), null))
    if (ledger === null) return { violations, ledger }
    violations.push(...(await sealViolations(repository, ledger)))
    for (const [subject, times] of Object.entries(expected ?? {})) {
      const found = decisions.filter((each) => each.subject === subject && each.decision === 'allow').length
      if (found !== times) violations.push(`INV3: ${subject} was decided ${found} times, expected ${times}`)
    }
    return { violations, ledger }
  } finally {
    await repository.close()
  }
}

/** INV2: everything that an alias names is sealed, tagged, and has the digest that `live` says. */
async function sealViolations(repository: Repository, { state }: VerifiedLedger): Promise<string[]> {
  const violations: string[] = []
  for (const { bundle, version, digest, seal, tag_object } of state.seals.values()) {
    const name = `${bundle} ${version}`
    const tag = await repository.readRef(tagRefOf(bundle, version))
    if (tag !== tag_object) violations.push(`INV3: ${name} is on live, and its tag is ${tag ?? 'not there'}`)
    const { tree } = parseCommit(await repository.read(seal, 'commit'))
    const { files } = await readBundleFiles(repository, tree, '')
    if (bundleDigest(files) !== digest) violations.push(`INV2: the seal of ${name} has another digest`)
  }
  for (const tenant of state.tenants.values())
    for (const held of Object.values(tenant.aliases))
      if (state.seals.get(`${held.bundle}/${held.version}`)?.digest !== held.digest)
        violations.push(`INV2: ${tenant.tenant} holds what nobody sealed`)
  return violations
}

/** INV6: the controller's memory names a head that is on `live`, and never an older one than before. */
export async function memoryViolations(folder: string, head: VerifiedLedger, before: number): Promise<string[]> {
  const memory = await openMemoryFiles(join(folder, 'state'))
  const text = await readFile(join(folder, 'state', 'head.json'), 'utf8')
  const { seq } = JSON.parse(text) as { seq: number }
  if (seq < before) return [`INV6: the memory went from seq ${before} to ${seq}`]
  if (seq > head.seq) return [`INV6: the memory names seq ${seq}, live has ${head.seq}`]
  return seq === head.seq && (await memory.readHead()) !== head.oid ? ['INV6: the memory names another head'] : []
}

const LEFTOVER = /\.lock$|^\.tmp|\.tmp$|^tmp_|^contractor-(?!mirror)/

/** INV8 and INV9: secrets and leftovers in what a program that has ended left on the disk. */
export async function leftoverViolations(folder: string, secrets: readonly string[]): Promise<string[]> {
  const violations: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (LEFTOVER.test(entry.name)) violations.push(`INV9: ${join(entry.parentPath, entry.name)} was left`)
    if (!entry.isFile() || entry.parentPath === folder) continue
    const bytes = await readFile(join(entry.parentPath, entry.name))
    if (secrets.some((secret) => bytes.includes(secret))) violations.push(`INV8: ${entry.name} holds a secret`)
  }
  return violations
}

/** The middle line of each private key file, which nothing else may hold. */
export async function secretsOf(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  return texts.map((text) => text.split('\n')[2] ?? text)
}
