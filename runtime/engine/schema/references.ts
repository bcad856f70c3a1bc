import { childSchemas, isObject, type Pointer } from './keywords.ts'
import type { Report } from './shape.ts'

/** Branches that may have to be tried for one value, and schemas after every $ref is written out. */
const MAX_BRANCHES = 256
const MAX_EXPANDED = 5_000

type Weight = { branches: number; expanded: number }

/**
 * Reports references that lead nowhere or in a circle, and schemas whose branches multiply through references: both
 * exhaust stack or memory of whoever compiles or runs them.
 */
export function checkReferences(root: unknown, report: Report): void {
  const defs = isObject(root) && isObject(root['$defs']) ? root['$defs'] : {}
  const weights = new Map<string, Weight>()
  const open = new Set<string>()

  const weightOfReference = (reference: string, pointer: Pointer): Weight => {
    const name = reference.slice('#/$defs/'.length)
    const known = weights.get(name)
    if (known !== undefined) return known
    if (!Object.hasOwn(defs, name))
      report(pointer, `"${reference}" does not exist.`, 'Define it under $defs, or correct the name.')
    else if (open.has(name))
      report(pointer, `"${reference}" refers back to itself.`, 'Entities are trees: write the levels out.')
    else {
      open.add(name)
      const weight = weigh(defs[name], ['$defs', name])
      open.delete(name)
      weights.set(name, weight)
      return weight
    }
    return { branches: 1, expanded: 1 }
  }

  const weigh = (schema: unknown, pointer: Pointer): Weight => {
    if (!isObject(schema)) return { branches: 1, expanded: 1 }
    const parts = childSchemas(schema, pointer)
      .filter((child) => child.keyword !== '$defs')
      .map((child) => ({ keyword: child.keyword, weight: weigh(child.schema, child.pointer) }))
    const { $ref } = schema
    if (typeof $ref === 'string') parts.push({ keyword: '$ref', weight: weightOfReference($ref, [...pointer, '$ref']) })
    return combine(parts)
  }

  for (const name of Object.keys(defs)) weightOfReference(`#/$defs/${name}`, ['$defs', name])
  const { branches, expanded } = weigh(root, [])
  if (branches > MAX_BRANCHES || expanded > MAX_EXPANDED) {
    report(
      [],
      `The schema has ${branches} branches and ${expanded} parts with its references written out.`,
      `At most ${MAX_BRANCHES} and ${MAX_EXPANDED} are allowed; make it simpler.`,
    )
  }
}

const ALTERNATIVES = ['allOf', 'anyOf', 'oneOf']
const CONDITIONS = new Set(['if', 'then', 'else'])

/** Alternatives of one keyword add up, keywords multiply, and of what stands side by side the largest counts. */
function combine(parts: readonly { keyword: string; weight: Weight }[]): Weight {
  const sum = (chosen: typeof parts) => chosen.reduce((total, { weight }) => total + weight.branches, 0)
  const factors = ALTERNATIVES.map((keyword) => sum(parts.filter((part) => part.keyword === keyword)))
  factors.push(sum(parts.filter(({ keyword }) => CONDITIONS.has(keyword))))
  const beside = parts.filter(({ keyword }) => !ALTERNATIVES.includes(keyword) && !CONDITIONS.has(keyword))
  const largest = beside.reduce((most, { weight }) => Math.max(most, weight.branches), 1)
  return {
    branches: Math.min(
      Number.MAX_SAFE_INTEGER,
      factors.reduce((product, factor) => product * Math.max(1, factor), largest),
    ),
    expanded: Math.min(
      Number.MAX_SAFE_INTEGER,
      parts.reduce((total, { weight }) => total + weight.expanded, 1),
    ),
  }
}
