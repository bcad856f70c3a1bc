import { createHash } from 'node:crypto'
import { after, isPossible, nameOf, type Command } from './commands.ts'
import { approvalsUsed, entryViolations, restViolations } from './invariants.ts'
import { changeOf, commitOf, contentOf, descends, type Alias, type Held, type Live, type World } from './rules.ts'

export type Explored = {
  states: number
  transitions: number
  depth: number
  violations: string[]
  /** One shortest way to each verdict that was met, by its name. */
  ways: Map<string, Command[]>
}

type Node = { world: World; way: Node | null; command: Command | null; used: readonly string[] }

/**
 * Every world that these commands lead to within `depth` of them, each looked at once, breadth first: what is wrong is
 * found with a shortest way to it.
 */
export function explore(start: World, commands: readonly Command[], depth: number, maxStates = Infinity): Explored {
  const seen = new Set([identityOf(start)])
  const found: Explored = { states: 1, transitions: 0, depth: 0, violations: [], ways: new Map() }
  let level: Node[] = [{ world: start, way: null, command: null, used: [] }]
  while (level.length > 0 && found.depth < depth) {
    const next: Node[] = []
    for (const node of level)
      for (const command of commands) {
        if (!isPossible(node.world, command)) continue
        found.transitions += 1
        const { world, written } = after(node.world, command)
        const reached: Node = { world, way: node, command, used: node.used }
        const tell = (violations: readonly string[]) => {
          for (const violation of violations)
            if (found.violations.length < 20)
              found.violations.push(`${violation}, after ${wayOf(reached).map(nameOf).join('; ')}`)
        }
        for (const entry of written) {
          tell(entryViolations(world, entry))
          const used = approvalsUsed(world, entry)
          tell(used.filter((name) => reached.used.includes(name)).map((name) => `approval ${name} counted twice`))
          reached.used = [...reached.used, ...used]
          for (const { subject, decision, reason } of entry.decisions) {
            const verdict = `${subject} ${decision} ${reason}`
            if (!found.ways.has(verdict)) found.ways.set(verdict, wayOf(reached))
          }
        }
        const identity = identityOf(world)
        if (seen.has(identity)) continue
        seen.add(identity)
        tell(restViolations(world))
        next.push(reached)
      }
    level = next
    found.depth += 1
    found.states = seen.size
    if (seen.size > maxStates) break
  }
  return found
}

function wayOf(node: Node): Command[] {
  const way: Command[] = []
  for (let at: Node | null = node; at?.command != null; at = at.way) way.unshift(at.command)
  return way
}

/** Two worlds are one where nothing that can still happen tells them apart, as far as three commits of `main` go. */
function identityOf(world: World): string {
  const { commits, tip, live, before, now, rules, forged } = world
  const contents: unknown[] = []
  for (let at: number | null = tip, left = 3; at !== null && left > 0; left--) {
    const { content, parent } = commitOf(commits, at)
    const signatures = content.signatures.map((signature) => [
      signature.over,
      signature.by,
      signature.over === 'alias' ? [signature.alias, signature.version] : null,
      signature.over === 'governance' ? signature.to : null,
      ...[live, before].map((state) => state !== null && stillNames(signature, state)),
    ])
    contents.push([content.candidate, content.current, content.status, content.revoked, signatures])
    at = parent
  }
  const source = [descends(commits, tip, live.source), tip === live.source, contentOf(world, live.source)]
  const week = rules.frozenDay === null ? 0 : now % 168
  const text = JSON.stringify([
    contents,
    source,
    week,
    forged,
    shape(live, world),
    before === null ? null : shape(before, world),
  ])
  return createHash('sha1').update(text).digest('base64')
}

function stillNames(signature: World['commits'][number]['content']['signatures'][number], live: Live): boolean {
  switch (signature.over) {
    case 'alias': {
      const { from, seq } = changeOf(live, signature.alias)
      return signature.from === from && signature.seq === seq
    }
    case 'settings':
      return signature.seq === live.settingsSeq
    case 'governance':
      return signature.seq === live.governanceSeq && signature.from === live.revoked.join()
    case 'main':
      return signature.from === live.source
    default:
      return signature satisfies never
  }
}

function shape(live: Live, { now, rules }: World): unknown {
  const held = (alias: Alias): unknown => {
    const at: Held | null = live[alias]
    if (at === null) return live.emptied[alias] === undefined
    const soaked = Math.min(now - at.since, rules.soakHours)
    const stack = at.stack.map(({ version, until }) => [version, until !== null && age(until)])
    return [at.version, soaked, stack]
  }
  const age = (until: number) => Math.min(Math.ceil(Math.max(0, now - until) / 24), rules.rollbackWithinHours / 24 + 1)
  return [
    held('candidate'),
    held('current'),
    live.status,
    live.revoked,
    live.standing,
    live.recorded,
    live.epoch,
    live.at < now,
  ]
}
