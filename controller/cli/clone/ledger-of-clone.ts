import { resolve } from 'node:path'
import { verifyLedger, type VerifiedLedger } from '../../../runtime/trust/ledger.ts'
import { readRoot } from '../../../runtime/trust/read-root.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Root } from '../../../schemas/ledger/trust.ts'
import { optionText, type Call } from '../command.ts'
import type { Clone } from './clone.ts'

export const TRUST_OPTION = [
  '--trust <root.json>',
  'the pinned root (default: CONTRACTOR_TRUST, or git config contractor.trust)',
] as const
export const OFFLINE_OPTION = ['--offline', 'do not fetch first; read what the clone has'] as const

/** The pinned root. @throws Fault `CONFIG_INVALID` where none is named: nothing is believed without one */
export async function pinnedRoot(call: Call, clone: Clone): Promise<Root> {
  const path = await pinnedRootPath(call, clone)
  if (path === null) {
    throw new Fault(
      'CONFIG_INVALID',
      'No root is pinned, so nothing on `live` can be believed. Name root.json with --trust, CONTRACTOR_TRUST or `git config contractor.trust <path>`.',
    )
  }
  return readRoot(path)
}

/** Path of the root that this call pins; null where none is named. */
export async function pinnedRootPath(call: Call, clone: Clone): Promise<string | null> {
  const given = optionText(call, 'trust') ?? call.env['CONTRACTOR_TRUST'] ?? ''
  if (given !== '') return resolve(call.cwd, given)
  const configured = await clone.git('config', '--default', '', '--get', 'contractor.trust')
  return configured === '' ? null : resolve(clone.root, configured)
}

/**
 * What `live` says, verified from the pinned root. Fetches `live` and the bundle tags first unless `--offline`.
 * @throws Fault of the trust room, where something does not verify
 */
export async function ledgerOfClone(call: Call, clone: Clone): Promise<VerifiedLedger> {
  const root = await pinnedRoot(call, clone)
  const head = await liveHead(call, clone)
  return verifyLedger({ reader: clone.repository, root, accepted: null, head })
}

/** Where a clone has a branch of the registry, fetched from `origin` where there is one. */
export async function refOfClone(call: Call, clone: Clone, branch: string): Promise<string> {
  const remote = await hasOrigin(clone)
  if (!remote) return `refs/heads/${branch}`
  const ref = `refs/remotes/origin/${branch}`
  if (call.options['offline'] !== true) await fetchRefs(clone, [`+refs/heads/${branch}:${ref}`])
  return ref
}

async function hasOrigin(clone: Clone): Promise<boolean> {
  return (await clone.git('remote')).split('\n').includes('origin')
}

/** Oid of `live`, fetched from `origin` where there is one. */
export async function liveHead(call: Call, clone: Clone): Promise<string> {
  const remote = await hasOrigin(clone)
  if (remote && call.options['offline'] !== true) await fetchRefs(clone, LIVE_AND_TAGS)
  const head = await clone.repository.readRef(remote ? 'refs/remotes/origin/live' : 'refs/heads/live')
  if (head !== null) return head
  throw new Fault(
    'USAGE',
    'The registry has no branch `live` yet: no controller has started on it. Run `contractor root init` and start one.',
  )
}

const LIVE_AND_TAGS = ['+refs/heads/live:refs/remotes/origin/live', '+refs/tags/bundles/*:refs/tags/bundles/*']

async function fetchRefs(clone: Clone, refs: readonly string[]): Promise<void> {
  try {
    await clone.git('fetch', '--quiet', 'origin', ...refs)
  } catch (error) {
    if (!(error instanceof Fault) || error.reason !== 'USAGE') throw error
    if (/couldn't find remote ref/i.test(error.message)) return
    throw new Fault('REMOTE_UNAVAILABLE', `origin could not be asked: ${error.message}`, { cause: error })
  }
}
