import type { Expression, Place, Statement, Template } from './syntax.ts'

/**
 * A path from a root variable that a template reads. `guarded` where the template copes with its absence: in a
 * condition, under `is defined`, or under the filter `default`.
 */
export type UsedPath = Place & { root: string; keys: (string | number)[]; guarded: boolean }

/** Every path that a template reads, in the order of the source; paths from loop variables are left out. */
export function pathsOf({ body }: Template): UsedPath[] {
  return body.flatMap((statement) => inStatement(statement, new Set()))
}

type Locals = ReadonlySet<string>

function inStatement(statement: Statement, locals: Locals): UsedPath[] {
  const inBody = (body: readonly Statement[], inner = locals) => body.flatMap((child) => inStatement(child, inner))
  switch (statement.kind) {
    case 'text':
      return []
    case 'output':
      return inExpression(statement.expression, locals, false)
    case 'if':
      return [
        ...inExpression(statement.condition, locals, true),
        ...inBody(statement.body),
        ...inBody(statement.otherwise),
      ]
    case 'for':
      return [
        ...inExpression(statement.list, locals, false),
        ...inBody(statement.body, new Set([...locals, statement.name, 'loop'])),
        ...inBody(statement.otherwise),
      ]
    default:
      return statement satisfies never
  }
}

function inExpression(node: Expression, locals: Locals, guarded: boolean): UsedPath[] {
  const inside = (child: Expression, isGuarded = false) => inExpression(child, locals, isGuarded)
  switch (node.kind) {
    case 'literal':
      return []
    case 'list':
      return node.items.flatMap((item) => inside(item))
    case 'variable':
    case 'member':
      return inPath(node, locals, guarded)
    case 'filter':
      return [...inside(node.target, node.name === 'default'), ...node.args.flatMap((arg) => inside(arg))]
    case 'not':
      return inside(node.operand, true)
    case 'and':
    case 'or':
      return [...inside(node.left, true), ...inside(node.right, guarded)]
    case 'in':
    case 'compare':
      return [...inside(node.left), ...inside(node.right)]
    case 'test':
      return inside(node.operand, node.test !== 'none')
    case 'choice':
      return [...inside(node.condition, true), ...inside(node.chosen, guarded), ...inside(node.otherwise, guarded)]
    default:
      return node satisfies never
  }
}

function inPath(node: Expression & { kind: 'variable' | 'member' }, locals: Locals, guarded: boolean): UsedPath[] {
  const keys: (string | number)[] = []
  let root: Expression = node
  for (; root.kind === 'member'; root = root.target) keys.unshift(root.key)
  if (root.kind !== 'variable') return inExpression(root, locals, guarded)
  return locals.has(root.name) ? [] : [{ line: node.line, column: node.column, root: root.name, keys, guarded }]
}
