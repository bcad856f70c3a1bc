/**
 * The rules of DESIGN section 3 once more, said as plainly as they can be and by nobody who reads the planner: one
 * tenant, one bundle, small versions, hours instead of dates. What is pure here is compared with what a real controller
 * writes (`replay.ts`), and searched for states that nobody should reach (`explore.ts`).
 */
export type Version = 0 | 1 | 2
export type Person = 'ana' | 'ben' | 'cora'
export type Alias = 'candidate' | 'current'

export type Rules = {
  approvals: number
  soakHours: number
  /** Weekday (0 is Sunday, UTC) on which nothing is promoted; null for never. */
  frozenDay: number | null
  rollbackApprovals: number
  rollbackWithinHours: number
}

/** What a signature of a person says; it counts where what it names is still so. */
export type Signature =
  | { over: 'alias'; alias: Alias; by: Person; version: Version; from: Version | null; seq: number }
  | { over: 'settings'; by: Person; seq: number }
  | { over: 'governance'; by: Person; to: readonly Version[]; seq: number; from: string }
  | { over: 'main'; by: Person; from: number; to: number }

/** What the files of one commit of `main` say. */
export type Content = {
  candidate: Version | null
  current: Version | null
  status: 'active' | 'suspended'
  /** In the order of the file: owners sign its text. */
  revoked: readonly Version[]
  signatures: readonly Signature[]
}

export type Commit = { id: number; parent: number | null; content: Content }

export type Level = { version: Version; until: number | null }
export type Held = { version: Version; seq: number; since: number; stack: readonly Level[] }

/** What is in force. */
export type Live = {
  seq: number
  epoch: number
  at: number
  /** Commit of `main` that was judged last when something was written. */
  source: number
  candidate: Held | null
  current: Held | null
  /** Seq at which an alias was emptied that holds nothing now. */
  emptied: Readonly<Partial<Record<Alias, number>>>
  status: Content['status']
  settingsSeq: number
  revoked: readonly Version[]
  governanceSeq: number
  /** Refusals and waits that were written and stand, by subject. */
  standing: Readonly<Record<string, string>>
  /** The same as the entries alone say it, in which nobody writes that a difference went away by itself. */
  recorded: Readonly<Record<string, string>>
}

export type World = {
  rules: Rules
  /** Hours since the beginning, a Friday at 00:00 UTC. */
  now: number
  commits: readonly Commit[]
  /** Id of the commit at which `main` stands. */
  tip: number
  live: Live
  /** `live` before its newest entry, to which a root can go back. */
  before: Live | null
  /** Whether somebody with a stolen controller key signed an entry that breaks the rules, which halts everything. */
  forged: boolean
}

export type Decision = { subject: string; decision: 'allow' | 'deny' | 'wait'; reason: string }

/** One entry of the ledger. */
export type Entry = { before: Live; after: Live; decisions: readonly Decision[] }

const WEEKDAY_AT_START = 5
export const contentOf = ({ commits }: World, id: number): Content => commitOf(commits, id).content

export function commitOf(commits: readonly Commit[], id: number): Commit {
  const found = commits[id]
  if (found === undefined) throw new Error(`there is no commit ${id}`)
  return found
}

export function descends(commits: readonly Commit[], from: number, ancestor: number): boolean {
  for (let at: number | null = from; at !== null; at = commitOf(commits, at).parent) if (at === ancestor) return true
  return false
}

/** What controllers make of the world when they have looked often enough, and every decision that they wrote. */
export function settle(world: World): { world: World; written: Entry[] } {
  const written: Entry[] = []
  let at = world
  for (;;) {
    if (at.forged) return { world: at, written }
    const { next, decisions, open } = judge(at)
    if (decisions.length === 0) {
      const standing = Object.fromEntries(Object.entries(at.live.standing).filter(([subject]) => open.has(subject)))
      return { world: { ...at, live: { ...at.live, standing } }, written }
    }
    written.push({ before: at.live, after: next, decisions })
    if (written.length > 10) throw new Error('the rules do not come to rest')
    at = { ...at, live: next, before: at.live }
  }
}

type Judging = { world: World; next: Live; decisions: Decision[]; open: Set<string>; verdicts: Map<string, string> }

/** One look: everything that differs is judged, and what is new is written as one entry. */
function judge(world: World): { next: Live; decisions: Decision[]; open: Set<string> } {
  const { live, tip, commits } = world
  const next = { ...live, seq: live.seq + 1, at: Math.max(live.at, world.now) }
  const judging: Judging = { world, next, decisions: [], open: new Set(), verdicts: new Map() }
  const accepted = isAccepted(world)
  if (!descends(commits, tip, live.source) && !accepted) {
    for (const subject of Object.keys(live.standing)) judging.open.add(subject)
    refuse(judging, 'main', 'wait', 'MAIN_REWRITTEN')
  } else {
    if (!descends(commits, tip, live.source)) allow(judging, 'main', 'CHANGED')
    next.source = tip
    judgeRevocations(judging)
    judgeStatus(judging)
    for (const alias of ['candidate', 'current'] as const) judgeAlias(judging, alias)
  }
  const standing: Record<string, string> = {}
  for (const [subject, verdict] of Object.entries(live.standing))
    if (judging.open.has(subject) && !judging.decisions.some((d) => d.subject === subject && d.decision === 'allow'))
      standing[subject] = verdict
  for (const [subject, verdict] of judging.verdicts) standing[subject] = verdict
  const recorded = { ...live.recorded }
  for (const { subject } of judging.decisions) {
    const verdict = judging.verdicts.get(subject)
    if (verdict === undefined) delete recorded[subject]
    else recorded[subject] = verdict
  }
  return { next: { ...next, standing, recorded }, decisions: judging.decisions, open: judging.open }
}

/** An unchanged verdict is not written again. */
function refuse(judging: Judging, subject: string, decision: 'deny' | 'wait', reason: string, detail = ''): void {
  const verdict = `${decision} ${reason} ${detail}`.trim()
  judging.open.add(subject)
  judging.verdicts.set(subject, verdict)
  if (judging.world.live.standing[subject] !== verdict) judging.decisions.push({ subject, decision, reason })
}

function allow(judging: Judging, subject: string, reason: string): void {
  judging.decisions.push({ subject, decision: 'allow', reason })
}

/** An owner signed that `main` goes on from where it is, after exactly what was judged. */
function isAccepted(world: World): boolean {
  return contentOf(world, world.tip).signatures.some(
    (signature) =>
      signature.over === 'main' &&
      isOwner(signature.by) &&
      signature.from === world.live.source &&
      descends(world.commits, world.tip, signature.to),
  )
}

const isOwner = (person: Person) => person !== 'cora'

/** What is revoked acts at once; what is taken back needs an owner who signed exactly that. */
function judgeRevocations({ world, next, ...rest }: Judging): void {
  const judging = { world, next, ...rest }
  const { live } = world
  const { revoked: asked, signatures } = contentOf(world, world.tip)
  if (asked.join() === live.revoked.join()) return
  const added = asked.filter((version) => !live.revoked.includes(version))
  const isTakenBack = live.revoked.some((version) => !asked.includes(version))
  const isSigned = signatures.some(
    (signature) =>
      signature.over === 'governance' &&
      isOwner(signature.by) &&
      signature.seq === live.governanceSeq &&
      signature.from === live.revoked.join() &&
      signature.to.join() === asked.join(),
  )
  const subject = 'governance/revoked.yaml'
  if (!isTakenBack || isSigned) next.revoked = asked
  else if (added.length > 0) next.revoked = [...live.revoked, ...added]
  else {
    refuse(judging, subject, 'deny', 'GOVERNANCE_NOT_APPROVED')
    return
  }
  next.governanceSeq = next.seq
  allow(judging, subject, 'CHANGED')
}

/** A suspension acts at once; its end needs an owner who signed it. */
function judgeStatus(judging: Judging): void {
  const { world, next } = judging
  const { status, signatures } = contentOf(world, world.tip)
  if (status === world.live.status) return
  const isSigned = signatures.some(
    (signature) => signature.over === 'settings' && isOwner(signature.by) && signature.seq === world.live.settingsSeq,
  )
  if (status === 'active' && !isSigned) {
    refuse(judging, 'tenants/shop', 'deny', 'GOVERNANCE_NOT_APPROVED')
    return
  }
  next.status = status
  next.settingsSeq = next.seq
  allow(judging, 'tenants/shop', 'CHANGED')
}

function judgeAlias(judging: Judging, alias: Alias): void {
  const { world, next } = judging
  const subject = `shop/${alias}`
  const held = world.live[alias]
  const wanted = contentOf(world, world.tip)[alias]
  if (wanted === null) {
    if (held === null) return
    if (alias === 'current' && next.status === 'active')
      refuse(judging, subject, 'deny', 'TENANT_ACTIVE', `refuse ${held.version}`)
    else {
      next[alias] = null
      next.emptied = { ...next.emptied, [alias]: next.seq }
      allow(judging, subject, 'CHANGED')
    }
    return
  }
  if (held?.version === wanted) return
  const level = rollbackLevel(held, wanted, next.at, world.rules)
  const problem = level === null ? promotionProblem(judging, alias, wanted) : rollbackProblem(judging, alias, wanted)
  if (problem !== null) {
    const kind = problem.decision === 'deny' ? 'refuse' : 'promote'
    refuse(judging, subject, problem.decision, problem.reason, `${kind} ${held?.version ?? 'none'} ${wanted}`)
    return
  }
  const below = held?.stack ?? []
  const stack =
    level === null
      ? [
          ...below.map((each) => (each.until === null ? { ...each, until: next.at } : each)),
          { version: wanted, until: null },
        ]
      : [...below.slice(0, below.lastIndexOf(level)), { ...level, until: null }]
  next[alias] = { version: wanted, seq: next.seq, since: next.at, stack }
  const { [alias]: _filled, ...emptied } = next.emptied
  next.emptied = emptied
  allow(judging, subject, level === null ? 'PROMOTED' : 'ROLLED_BACK')
}

/** A version still on the stack that was live within the time of the rule. */
export function rollbackLevel(held: Held | null, wanted: Version, now: number, rules: Rules): Level | null {
  const level = held?.stack.findLast(({ version, until }) => until !== null && version === wanted)
  return level !== undefined && level.until !== null && now - level.until <= rules.rollbackWithinHours ? level : null
}

type Problem = { decision: 'deny' | 'wait'; reason: string }

/** The first denial decides; without one the first wait. */
function promotionProblem(judging: Judging, alias: Alias, wanted: Version): Problem | null {
  const { world, next } = judging
  const { rules } = world
  if (alias === 'current') {
    const candidate = next.candidate
    if (candidate?.version !== wanted) return { decision: 'deny', reason: 'NOT_CANDIDATE' }
    const missing = approvalProblem(world, alias, wanted, rules.approvals)
    if (missing !== null) return { decision: 'deny', reason: missing }
    if (next.revoked.includes(wanted)) return { decision: 'deny', reason: 'BUNDLE_REVOKED' }
    if (next.at < candidate.since + rules.soakHours) return { decision: 'wait', reason: 'SOAKING' }
    if (isFrozen(rules, next.at)) return { decision: 'wait', reason: 'FROZEN' }
    return null
  }
  return next.revoked.includes(wanted) ? { decision: 'deny', reason: 'BUNDLE_REVOKED' } : null
}

/** Neither freeze nor soak nor stage: a rollback never waits. */
function rollbackProblem({ world, next }: Judging, alias: Alias, wanted: Version): Problem | null {
  const missing = approvalProblem(world, alias, wanted, world.rules.rollbackApprovals)
  if (missing !== null) return { decision: 'deny', reason: missing }
  return next.revoked.includes(wanted) ? { decision: 'deny', reason: 'BUNDLE_REVOKED' } : null
}

export const isFrozen = ({ frozenDay }: Rules, now: number) =>
  frozenDay !== null && (WEEKDAY_AT_START + Math.floor(now / 24)) % 7 === frozenDay

/** Who signed what for nothing is told before that somebody is missing. */
function approvalProblem({ live, ...world }: World, alias: Alias, wanted: Version, needed: number): string | null {
  if (needed === 0) return null
  const found = contentOf({ live, ...world }, world.tip)
    .signatures.filter((signature) => signature.over === 'alias')
    .filter((signature) => signature.alias === alias && signature.version === wanted)
    .toSorted((a, b) => (a.by < b.by ? -1 : 1))
  const change = changeOf(live, alias)
  const faults = found.flatMap(({ by, from, seq }) => {
    if (from !== change.from || seq !== change.seq) return ['APPROVAL_INVALID']
    if (by === 'cora') return ['ROLE_MISSING']
    return by === 'ana' ? ['APPROVAL_BY_AUTHOR'] : []
  })
  return found.length - faults.length >= needed ? null : (faults[0] ?? 'APPROVAL_MISSING')
}

/** What an approval of a change of this alias must name: what it holds, and when it was last changed. */
export function changeOf(live: Live, alias: Alias): { from: Version | null; seq: number } {
  const held = live[alias]
  return { from: held?.version ?? null, seq: held?.seq ?? live.emptied[alias] ?? 0 }
}
