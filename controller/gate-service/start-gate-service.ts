import { join } from 'node:path'
import type { Repository } from '../../runtime/git/repository.ts'
import { keysEver } from '../../runtime/trust/keysets.ts'
import type { LaterLane } from '../gates/lanes.ts'
import type { LedgerHead } from '../promotion/head.ts'
import type { Signer } from '../promotion/sign.ts'
import { openGateService, type GateService } from './gate-service.ts'
import { openRunBranch } from './run-branch.ts'
import { openRunFiles } from './run-files.ts'

const LIMITS = { room: { all: 64, each: 8 }, noteAfterMs: 2_000 }

/** The gate service of a controller; runs that a crash left open go on at once. */
export async function startGateService(deps: {
  repository: Repository
  signer: Signer
  head: () => LedgerHead
  later: LaterLane
  stateDir: string
  now: () => Date
  onFault: (error: unknown) => void
}): Promise<GateService> {
  const { repository, signer, head, later, stateDir, now, onFault } = deps
  const { registry } = head().state.registry.rules
  const keys = () => keysEver(head().state.keysets)
  const branch = openRunBranch({ repository, signer, registry, keys, now })
  const files = await openRunFiles(join(stateDir, 'gate-runs'))
  return openGateService({ reader: repository, later, branch, files, now, onFault, ...LIMITS })
}
