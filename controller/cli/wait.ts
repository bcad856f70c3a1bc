import { setTimeout as sleep } from 'node:timers/promises'
import { isAncestor } from '../../runtime/git/history.ts'
import { OPERATOR_KEY, settingsOf } from '../../runtime/settings.ts'
import { Fault } from '../../schemas/fault.ts'
import { ALIASES, DIGEST, type AliasName, digest12 } from '../../schemas/names.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { parseAlias } from '../../schemas/registry/alias.ts'
import { aliasAtHead, aliasPath } from './clone/alias-file.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { argument, optionNumber, optionText, type Call, type CommandSpec } from './command.ts'
import { askFleet, CONTROLLER_OPTION, isServedByAll } from './fleet.ts'
import { runningOf } from './home.ts'
import { ledgerOfClone, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { entriesFrom } from './log.ts'

const INTERVAL_MS = 200
const ENTRIES = 200

export const wait: CommandSpec = {
  name: 'wait',
  summary: 'wait until an alias holds a digest; exits 1 when it was refused, 3 when the time is over',
  args: [['<tenant>', 'the tenant']],
  options: [
    ['--alias <alias>', 'the alias (default: current)'],
    ['--digest <digest>', 'the digest to wait for (default: what the alias file at HEAD names)'],
    ['--runtime <url>', 'wait until this Runtime serves it too (needs CONTRACTOR_OPERATOR_KEY)'],
    ['--fleet', 'wait until every Runtime that reports to the controller serves it too'],
    CONTROLLER_OPTION,
    ['--timeout <seconds>', 'how long to wait (default: 60)'],
    TRUST_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const tenant = argument(call, 0, 'tenant')
    const alias = requireAlias(optionText(call, 'alias') ?? 'current')
    const timeoutS = optionNumber(call, 'timeout', { min: 0, max: 86_400, preset: 60 })
    const clone = await openClone(call)
    const digest = await requireDigest(call, clone, tenant, alias)
    const wanted = await clone.git('log', '-1', '--format=%H', 'HEAD', '--', `tenants/${tenant}`)
    const started = performance.now()
    const { terminal } = call
    for (;;) {
      const seen = await look(call, clone, { tenant, alias, digest, wanted })
      const over = performance.now() - started > timeoutS * 1000
      if (seen.kind === 'refused' && (seen.isAnswer || over)) {
        if (terminal.json) terminal.out(JSON.stringify({ tenant, alias, digest, live: false, refused: seen.decision }))
        else
          terminal.out(
            `${terminal.style('red', '✘')} ${tenant}/${alias}: ${seen.decision.reason_code}\n  ${seen.decision.message}`,
          )
        return 1
      }
      if (seen.kind === 'live' && (await isServed(call, clone, { tenant, alias, digest }, seen.since))) {
        const ms = Math.round(performance.now() - started)
        if (terminal.json)
          terminal.out(JSON.stringify({ tenant, alias, digest, live: true, seq: seen.seq, waited_ms: ms }))
        else
          terminal.out(
            `${terminal.style('green', '✔')} ${tenant}/${alias} holds ${digest12(digest)} at seq ${seen.seq}  (${ms} ms)`,
          )
        return 0
      }
      if (over) {
        throw new Fault(
          'UNDECIDED',
          `${tenant}/${alias} did not come to ${digest} within ${timeoutS} s, and was not refused.`,
        )
      }
      await sleep(INTERVAL_MS)
    }
  },
}

type Target = {
  tenant: string
  alias: AliasName
  digest: string
  /** The commit that last changed the tenant in this clone; empty where none did. */
  wanted: string
}

type Seen =
  /** `since` is the entry that moved the alias. */
  | { kind: 'live'; seq: number; since: number }
  /** `isAnswer` where what this clone wants was judged. An older refusal that stands is not written again. */
  | { kind: 'refused'; decision: Decision; isAnswer: boolean }
  | { kind: 'pending' }

async function look(call: Call, clone: Clone, { tenant, alias, digest, wanted }: Target): Promise<Seen> {
  const { oid, seq, state } = await ledgerOfClone(call, clone)
  const held = state.tenants.get(tenant)?.aliases[alias]
  if (held?.digest === digest) return { kind: 'live', seq, since: held.seq }
  let looked = 0
  for await (const entry of entriesFrom(clone.repository, oid)) {
    const decision = entry.decisions.find(({ subject }) => subject === `${tenant}/${alias}`)
    if (decision !== undefined) {
      const about = decision.to?.digest === digest || decision.to === null
      if (decision.decision !== 'deny' || !about) return { kind: 'pending' }
      return { kind: 'refused', decision, isAnswer: await wasJudged(clone, wanted, entry.source) }
    }
    looked += 1
    if (looked === ENTRIES) break
  }
  return { kind: 'pending' }
}

/** Whether the commit of `main` that an entry judged has the other commit; one that is not in this clone yet is newer. */
async function wasJudged(clone: Clone, wanted: string, source: string): Promise<boolean> {
  if (wanted === '' || wanted === source) return true
  try {
    return await isAncestor(clone.repository, wanted, source)
  } catch (error) {
    if (error instanceof Fault && error.reason === 'OBJECT_MISSING') return true
    throw error
  }
}

async function isServed(
  call: Call,
  clone: Clone,
  { tenant, alias, digest }: Omit<Target, 'wanted'>,
  seq: number,
): Promise<boolean> {
  if (!(await servedBy(call, clone, tenant, alias, digest))) return false
  return call.options['fleet'] !== true || isServedByAll(await askFleet(call, clone), seq, digest)
}

async function servedBy(call: Call, clone: Clone, tenant: string, alias: AliasName, digest: string): Promise<boolean> {
  const url = optionText(call, 'runtime')
  if (url === undefined) return true
  const given = settingsOf(call.env, {}).secret('CONTRACTOR_OPERATOR_KEY', OPERATOR_KEY)
  const key = given ?? (await runningOf(clone))?.operator_key
  if (key === undefined)
    throw new Fault('USAGE', '--runtime asks /status, which needs the operator key: set CONTRACTOR_OPERATOR_KEY.')
  const response = await fetch(`${url.replace(/\/$/, '')}/status`, {
    headers: { 'X-Api-Key': key },
    redirect: 'error',
    signal: AbortSignal.timeout(5_000),
  }).catch(() => null)
  if (response === null) return false
  if (!response.ok) throw new Fault('FORBIDDEN', `${url}/status answered ${response.status}.`)
  const { tenants } = (await response.json()) as {
    tenants: { tenant: string; aliases: Partial<Record<AliasName, { digest: string }>> }[]
  }
  return tenants.find((row) => row.tenant === tenant)?.aliases[alias]?.digest === digest
}

function requireAlias(text: string): AliasName {
  const alias = ALIASES.find((name) => name === text)
  if (alias !== undefined) return alias
  throw new Fault('USAGE', `--alias: expected ${ALIASES.join(', ')}, got "${text}".`)
}

async function requireDigest(call: Call, clone: Clone, tenant: string, alias: AliasName): Promise<string> {
  const named = optionText(call, 'digest')
  if (named !== undefined && DIGEST.test(named)) return named
  if (named !== undefined) throw new Fault('USAGE', `--digest: expected sha256: and 64 hex digits, got "${named}".`)
  const path = aliasPath(tenant, alias)
  const { value, findings } = parseAlias(await aliasAtHead(clone, tenant, alias), path, alias)
  if (value?.digest !== undefined) return value.digest
  throw new Fault('FILE_INVALID', `${path} at HEAD names no digest; name one with --digest.`, { findings })
}
