import { openCheckpoint } from '../../runtime/audit/checkpoint.ts'
import { parseVerifier } from '../../runtime/audit/note.ts'
import { openShadowNote } from '../../runtime/audit/shadow-note.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import type { Repository } from '../../runtime/git/repository.ts'
import { listFiles, patchTree } from '../../runtime/git/tree-files.ts'
import { verifyCommit } from '../../runtime/trust/verify-commit.ts'
import { formatStateFile } from '../../runtime/trust/state-files.ts'
import { Fault } from '../../schemas/fault.ts'
import { controllerPerson } from '../promotion/controller-person.ts'
import type { Signer } from '../promotion/sign.ts'
import { writeSignedCommit } from '../promotion/signed-objects.ts'
import type { WitnessedLog } from './judge-checkpoint.ts'

export const AUDIT_REF = 'refs/heads/audit'

const MAX_FILE_BYTES = 262_144

/** `logs/<node>/<worker>/<log id>`: below it `checkpoint`, the cosigned note, `log.json`, and `shadow` where it has one. */
function folderOf(origin: string): string {
  return `logs/${origin.split('/').slice(1).join('/')}`
}

function filesOf({ origin, verifier, reporter, note, shadow }: WitnessedLog): [path: string, bytes: Buffer][] {
  const folder = folderOf(origin)
  return [
    [`${folder}/checkpoint`, Buffer.from(note)],
    [`${folder}/log.json`, formatStateFile({ origin, verifier, reporter })],
    ...(shadow === null ? [] : [[`${folder}/shadow`, Buffer.from(shadow.note)] as [string, Buffer]]),
  ]
}

/**
 * The logs that a commit of the branch `audit` witnesses.
 * @param keys the controller's keys; only what one of them signed is believed
 * @throws Fault `UNTRUSTED`, and those of Git
 */
export async function readWitnessed(
  reader: ObjectReader,
  oid: string,
  keys: readonly string[],
): Promise<Map<string, WitnessedLog>> {
  const { tree } = verifyCommit(oid, await reader.read(oid, 'commit', MAX_FILE_BYTES), keys)
  const files = await listFiles(reader, tree)
  const textOf = async (path: string) =>
    (await reader.read(files.get(path)?.oid ?? '', 'blob', MAX_FILE_BYTES)).toString('utf8')
  const logs = new Map<string, WitnessedLog>()
  for (const path of files.keys()) {
    if (!path.endsWith('/log.json')) continue
    const known = JSON.parse(await textOf(path)) as Pick<WitnessedLog, 'origin' | 'verifier' | 'reporter'>
    const note = await textOf(`${folderOf(known.origin)}/checkpoint`)
    const verifier = parseVerifier(known.verifier)
    const checkpoint = openCheckpoint(note, known.origin, verifier)
    const shadowPath = `${folderOf(known.origin)}/shadow`
    const shadowNote = files.has(shadowPath) ? await textOf(shadowPath) : null
    const shadow = shadowNote === null ? null : { ...openShadowNote(shadowNote, verifier), note: shadowNote }
    logs.set(known.origin, { ...checkpoint, ...known, note, shadow })
  }
  return logs
}

/**
 * The verifier key of the witness, as a commit of the branch `audit` names it.
 * @throws Fault `UNTRUSTED`, and those of Git
 */
export async function readWitnessKey(
  reader: ObjectReader,
  oid: string,
  keys: readonly string[],
): Promise<{ witness: string; parent: string | null }> {
  const raw = await reader.read(oid, 'commit', MAX_FILE_BYTES)
  const { tree, parents } = verifyCommit(oid, raw, keys)
  const file = (await listFiles(reader, tree)).get('witness.json')
  if (file === undefined) throw new Fault('UNTRUSTED', `${AUDIT_REF} at ${oid} names no witness`)
  const { witness } = JSON.parse((await reader.read(file.oid, 'blob', MAX_FILE_BYTES)).toString('utf8')) as {
    witness: string
  }
  return { witness, parent: parents[0] ?? null }
}

/**
 * Writes logs on top of `base`, which is the tip that was verified, or null to write a whole tree; `parent` is what the
 * ref names. Moves the ref. @throws Fault `REF_CONFLICT`
 */
export async function writeWitnessed(
  { repository, signer, registry, now }: { repository: Repository; signer: Signer; registry: string; now: Date },
  { parent, base }: { parent: string | null; base: string | null },
  logs: Iterable<WitnessedLog>,
  witness: string,
): Promise<string> {
  const files = new Map([...logs].flatMap(filesOf))
  const count = [...files.keys()].filter((path) => path.endsWith('/checkpoint')).length
  files.set('witness.json', formatStateFile({ v: 1, registry, witness }))
  const baseTree = base === null ? null : (await readCommit(repository, base)).tree
  const commit = await writeSignedCommit(repository, signer, {
    tree: await patchTree(repository, baseTree, files),
    parents: parent === null ? [] : [parent],
    person: controllerPerson(registry, now),
    message: `witness ${count} checkpoint(s)\n\nRegistry: ${registry}\n`,
  })
  await repository.updateRefs([{ ref: AUDIT_REF, old: parent, new: commit }])
  return commit
}
