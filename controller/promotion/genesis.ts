import { readCommit } from '../../runtime/git/history.ts'
import type { Repository } from '../../runtime/git/repository.ts'
import { LIVE_REF } from '../../runtime/trust/ledger.ts'
import { verifyStep } from '../../runtime/trust/ledger-step.ts'
import { formatStateChanges, formatStateFile, keysetPath, signaturesPath } from '../../runtime/trust/state-files.ts'
import { Fault } from '../../schemas/fault.ts'
import type { LedgerRegistry } from '../../schemas/ledger/state.ts'
import type { Keyset, Root } from '../../schemas/ledger/trust.ts'
import { livePath } from './governance-files.ts'
import { readGovernance } from './read-governance.ts'
import { MAIN_REF } from './read-main.ts'
import type { Signer } from './sign.ts'
import { allowed } from './verdicts.ts'
import { findingsOf, isReadable, type WantedGovernance } from './wanted.ts'
import { writeEntry } from './write-entry.ts'

export type GenesisRequest = {
  repository: Repository
  rootSigners: readonly Signer[]
  /** How many root signatures a keyset will need; all of them where it is left out. */
  threshold?: number
  controllerSigner: Signer
  heartbeatPublicKey: string
  now: () => Date
}

/**
 * Writes seq 0 of `live`: the governance of `main` as it is, and keyset 1, signed by the root. What it answers is what
 * Runtimes and controllers pin.
 * @throws Fault `FILE_INVALID` when governance on `main` cannot be read; `REF_CONFLICT` when `live` exists.
 */
export async function createGenesis(request: GenesisRequest): Promise<Root> {
  const { repository, rootSigners, controllerSigner, heartbeatPublicKey, now } = request
  const source = await repository.readRef(MAIN_REF)
  if (source === null) throw new Fault('NOT_FOUND', 'The repository has no branch main; push the registry there first.')
  const governance = await readGovernance(repository, (await readCommit(repository, source)).tree)
  const rules = readableRules(governance)
  const registry: LedgerRegistry = {
    epoch: 1,
    rules,
    governance: { digest: governance.digest, seq: 0, approvals: [] },
  }
  const texts = new Map([...governance.texts].map(([path, text]) => [livePath(path), text]))
  const keyset = firstKeyset(rules.registry, controllerSigner.publicKey, heartbeatPublicKey)
  const changes = new Map([
    ...formatStateChanges({ registry, governance: texts }),
    ...(await signedKeyset(keyset, rootSigners)),
  ])
  const decisions = [...governance.texts.keys()].map((path) => allowed(path, 'CHANGED', { kind: 'change' }))
  const genesis = await writeEntry(repository, controllerSigner, null, {
    registry: rules.registry,
    epoch: 1,
    seq: 0,
    at: now(),
    source,
    covers: [],
    decisions,
    changes,
  })
  const keys = rootSigners.map(({ publicKey }) => publicKey)
  const root = { registry: rules.registry, keys, threshold: request.threshold ?? keys.length, genesis }
  await verifyStep(repository, root, null, genesis)
  await repository.updateRefs([{ ref: LIVE_REF, old: null, new: genesis }])
  return root
}

function readableRules({ registry, signers, roles, revoked, policies }: WantedGovernance) {
  const findings = [registry, signers, roles, revoked].flatMap((file) => findingsOf(file))
  const all = [...findings, ...policies]
  if (isReadable(registry) && all.length === 0) return registry.value
  const [first] = all
  const message = first === undefined ? 'governance' : `${first.path}:${first.line}:${first.column} ${first.message}`
  throw new Fault('FILE_INVALID', `A registry begins with governance that can be read: ${message}`, { findings: all })
}

function firstKeyset(registry: string, controllerKey: string, heartbeatKey: string): Keyset {
  return {
    registry,
    version: 1,
    epoch: 1,
    controller_keys: [controllerKey],
    heartbeat_key: heartbeatKey,
    trusted_until_seq: null,
  }
}

async function signedKeyset(keyset: Keyset, rootSigners: readonly Signer[]): Promise<[string, Buffer][]> {
  const path = keysetPath(keyset.version)
  const bytes = formatStateFile(keyset)
  const signatures = await Promise.all(rootSigners.map((signer) => signer.sign(bytes, 'contractor-root')))
  return [
    [path, bytes],
    [signaturesPath(path), Buffer.from(signatures.join(''))],
  ]
}
