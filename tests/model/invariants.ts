import { contentOf, descends, isFrozen, rollbackLevel, type Alias, type Entry, type Live, type World } from './rules.ts'
import { settle } from './rules.ts'

/** What is wrong with an entry that was written in this world; the promises of DESIGN, not the way to keep them. */
export function entryViolations(world: World, { before, after, decisions }: Entry): string[] {
  const violations: string[] = []
  const must = (holds: boolean, what: string) => {
    if (!holds) violations.push(what)
  }
  must(after.seq === before.seq + 1, 'INV4: an entry that does not follow the one before')
  must(decisions.length > 0, 'INV3: an entry that decides nothing')
  must(new Set(decisions.map(({ subject }) => subject)).size === decisions.length, 'INV3: one subject, two verdicts')
  const isHalted = !descends(world.commits, world.tip, before.source) && !isAcceptedByAnOwner(world, before)
  for (const alias of ['candidate', 'current'] as const) {
    const moved = before[alias]?.version !== after[alias]?.version
    must(!(moved && isHalted), `a rewritten main moved ${alias}`)
    if (moved) violations.push(...moveViolations(world, alias, before, after))
    must(stackIsWhole(after, alias), `the stack of ${alias} is not whole`)
  }
  must(!(isHalted && after.status !== before.status), 'a rewritten main changed a tenant')
  const lost = before.revoked.filter((version) => !after.revoked.includes(version))
  must(lost.length === 0 || isSigned(world, 'governance', before.governanceSeq), 'a revocation went without an owner')
  const resumed = before.status === 'suspended' && after.status === 'active'
  must(!resumed || isSigned(world, 'settings', before.settingsSeq), 'a suspension ended without an owner')
  return violations
}

/** What is wrong with a world at rest. */
export function restViolations(world: World): string[] {
  const violations: string[] = []
  if (settle(world).written.length > 0) violations.push('INV3: an unchanged verdict is written again')
  const { live, tip, forged } = world
  const content = contentOf(world, tip)
  const isAtWork = !forged && (descends(world.commits, tip, live.source) || isAcceptedByAnOwner(world, live))
  if (isAtWork && content.revoked.some((version) => !live.revoked.includes(version)))
    violations.push('a revocation does not act at once')
  if (isAtWork && content.status === 'suspended' && live.status === 'active')
    violations.push('a suspension does not act at once')
  for (const alias of ['candidate', 'current'] as const) {
    const wanted = content[alias]
    const held = live[alias]
    if (!isAtWork || wanted === null || held === null || wanted === held.version) continue
    const goesBack = rollbackLevel(held, wanted, Math.max(live.at, world.now), world.rules) !== null
    if (goesBack && world.rules.rollbackApprovals === 0 && !live.revoked.includes(wanted))
      violations.push(`INV3: a rollback of ${alias} waits behind a gate`)
  }
  return violations
}

function moveViolations(world: World, alias: Alias, before: Live, after: Live): string[] {
  const { rules } = world
  const [held, taken] = [before[alias], after[alias]]
  if (taken === null)
    return alias === 'current' && after.status === 'active' ? ['an active tenant lost what it runs'] : []
  const violations: string[] = []
  const must = (holds: boolean, what: string) => {
    if (!holds) violations.push(`${alias} moved to ${taken.version}: ${what}`)
  }
  must(!after.revoked.includes(taken.version), 'it is revoked')
  must(taken.seq === after.seq, 'not by the entry that says so')
  const ran = held?.stack.some(
    ({ version, until }) =>
      until !== null && version === taken.version && after.at - until <= rules.rollbackWithinHours,
  )
  if (ran === true) {
    must(approvers(world, alias, before).length >= rules.rollbackApprovals, 'a rollback without its approvals')
    return violations
  }
  if (alias === 'candidate') return violations
  must(after.candidate?.version === taken.version, 'it is no candidate')
  must(approvers(world, alias, before).length >= rules.approvals, 'nobody approved it')
  must(after.at - (after.candidate?.since ?? Infinity) >= rules.soakHours, 'it did not soak')
  must(!isFrozen(rules, after.at), 'promotions are frozen')
  return violations
}

/** People with the role, other than the author, whose signature stands on `main` over exactly this change. */
function approvers(world: World, alias: Alias, before: Live): string[] {
  const held = before[alias]
  const { signatures, [alias]: wanted } = contentOf(world, world.tip)
  const found = signatures.flatMap((signature) =>
    signature.over === 'alias' &&
    signature.alias === alias &&
    signature.version === wanted &&
    signature.from === (held?.version ?? null) &&
    (held === null || signature.seq === held.seq) &&
    signature.by === 'ben'
      ? [signature.by]
      : [],
  )
  return [...new Set(found)]
}

function isSigned(world: World, over: 'governance' | 'settings', seq: number): boolean {
  return contentOf(world, world.tip).signatures.some(
    (signature) => signature.over === over && signature.by !== 'cora' && signature.seq === seq,
  )
}

function isAcceptedByAnOwner(world: World, live: Live): boolean {
  return contentOf(world, world.tip).signatures.some(
    (signature) => signature.over === 'main' && signature.by !== 'cora' && signature.from === live.source,
  )
}

function stackIsWhole(live: Live, alias: Alias): boolean {
  const held = live[alias]
  if (held === null) return true
  const top = held.stack.at(-1)
  return (
    top?.version === held.version &&
    top.until === null &&
    held.stack.slice(0, -1).every(({ until }) => until !== null && until <= live.at)
  )
}

/** Names each approval by what was promoted with it: one that counts twice was replayed. */
export function approvalsUsed(world: World, { before, decisions }: Entry): string[] {
  return decisions.flatMap(({ subject, reason }) => {
    if (subject !== 'shop/current' || reason !== 'PROMOTED') return []
    const { signatures, current } = contentOf(world, world.tip)
    return signatures.flatMap((signature) =>
      signature.over === 'alias' &&
      signature.by === 'ben' &&
      signature.alias === 'current' &&
      signature.version === current &&
      signature.from === (before.current?.version ?? null)
        ? [`${before.epoch} ${signature.version} ${signature.from ?? 'none'} ${signature.seq}`]
        : [],
    )
  })
}
