import { FILTERS } from './filters.ts'
import { MAX_DEPTH, MAX_PATH } from './limits.ts'
import { refuse } from './refusal.ts'
import { LOOP_FIELDS, ROOTS, type Comparison, type Expression, type Place, type Statement } from './syntax.ts'

/** A node as nunjucks' parser makes it; which fields there are depends on `typename`. */
type Node = { typename: string; lineno: number; colno: number; [field: string]: unknown }

/** What may be named where the node stands: the roots, and the variables of the loops around it. */
type Scope = { path: string; names: ReadonlySet<string>; depth: number }

const OPERATORS = new Map<unknown, Comparison>([
  ['==', '=='],
  ['===', '=='],
  ['!=', '!='],
  ['!==', '!='],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
])
/** Names that lead out of data in JavaScript; no data of a bundle may carry them either. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const RESERVED = new Set<string>([
  ...ROOTS,
  'loop',
  'true',
  'false',
  'none',
  'null',
  'not',
  'and',
  'or',
  'in',
  'is',
  'if',
  'else',
])
const ALLOWED =
  'Allowed are {{ path }}, literals, if, for, comparisons, and, or, not, in, `x if y else z` and the filters of docs/authoring.md.'

/**
 * Turns the parser's tree into ours, which can only say what is allowed.
 * @throws Fault `TEMPLATE_INVALID` at the first node that is not on the list.
 */
export function translateTemplate(root: unknown, path: string): Statement[] {
  return body(root, { path, names: new Set(ROOTS), depth: 0 })
}

function body(value: unknown, outer: Scope): Statement[] {
  const scope = deeper(value, outer)
  const node = asNode(value, scope)
  if (node.typename !== 'NodeList' && node.typename !== 'Root') return [statement(node, scope)]
  return childrenOf(node).flatMap((child) => {
    const inner = asNode(child, scope)
    if (inner.typename !== 'Output') return [statement(inner, scope)]
    return childrenOf(inner).map((part) => output(asNode(part, scope), scope))
  })
}

function output(node: Node, scope: Scope): Statement {
  if (node.typename === 'TemplateData') return { kind: 'text', text: String(node['value']) }
  return { kind: 'output', expression: expression(node, scope) }
}

function statement(node: Node, scope: Scope): Statement {
  const otherwise = (value: unknown) => (value === null ? [] : body(value, scope))
  if (node.typename === 'If') {
    return {
      kind: 'if',
      ...placeOf(node),
      condition: expression(node['cond'], scope),
      body: body(node['body'], scope),
      otherwise: otherwise(node['else_']),
    }
  }
  if (node.typename === 'For') {
    const name = loopVariable(node['name'], scope)
    const inner = { ...scope, names: new Set([...scope.names, name, 'loop']) }
    return {
      kind: 'for',
      ...placeOf(node),
      name,
      list: expression(node['arr'], scope),
      body: body(node['body'], inner),
      otherwise: otherwise(node['else_']),
    }
  }
  return refuse(scope.path, placeOf(node), `${node.typename} is not allowed.`, ALLOWED)
}

function loopVariable(value: unknown, scope: Scope): string {
  const node = asNode(value, scope)
  const name = String(node['value'])
  if (node.typename !== 'Symbol') {
    refuse(scope.path, placeOf(node), 'A loop has one variable and runs over a list.', 'Write {% for item in list %}.')
  }
  if (RESERVED.has(name) || FORBIDDEN_KEYS.has(name) || scope.names.has(name) || !NAME.test(name)) {
    refuse(
      scope.path,
      placeOf(node),
      `The loop variable "${name}" is taken or not a name.`,
      'Choose another name of letters, digits and _.',
    )
  }
  return name
}

function expression(value: unknown, outer: Scope): Expression {
  const scope = deeper(value, outer)
  const node = asNode(value, scope)
  const place = placeOf(node)
  const operand = (field: string) => expression(node[field], scope)
  switch (node.typename) {
    case 'Literal':
      return { kind: 'literal', ...place, value: literal(node, scope) }
    case 'Symbol':
      return variable(node, scope)
    case 'LookupVal':
      return member(node, scope)
    case 'Filter':
      return filter(node, scope)
    case 'Group':
      return onlyChild(node, scope)
    case 'Array':
      return { kind: 'list', ...place, items: childrenOf(node).map((child) => expression(child, scope)) }
    case 'Neg':
      return negative(node, scope)
    case 'Not':
      return { kind: 'not', ...place, operand: operand('target') }
    case 'And':
      return { kind: 'and', ...place, left: operand('left'), right: operand('right') }
    case 'Or':
      return { kind: 'or', ...place, left: operand('left'), right: operand('right') }
    case 'In':
      return { kind: 'in', ...place, left: operand('left'), right: operand('right') }
    case 'Compare':
      return comparison(node, scope)
    case 'Is':
      return test(node, scope)
    case 'InlineIf': {
      const nothing: Expression = { kind: 'literal', ...place, value: '' }
      const otherwise = node['else_'] === null ? nothing : operand('else_')
      return { kind: 'choice', ...place, condition: operand('cond'), chosen: operand('body'), otherwise }
    }
    default:
      return refuse(scope.path, place, `${node.typename} is not allowed.`, ALLOWED)
  }
}

function literal(node: Node, scope: Scope): string | number | boolean | null {
  const { value } = node
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value
  return refuse(scope.path, placeOf(node), 'A literal is a text, a number that is exact, true, false or none.', ALLOWED)
}

function variable(node: Node, scope: Scope): Expression {
  const name = String(node['value'])
  if (!scope.names.has(name)) {
    const known = [...scope.names].join(', ')
    refuse(scope.path, placeOf(node), `"${name}" is not declared.`, `Declared here are ${known}.`)
  }
  return { kind: 'variable', ...placeOf(node), name }
}

function member(node: Node, scope: Scope): Expression {
  const place = placeOf(node)
  const target = expression(node['target'], scope)
  const val = node['val'] === undefined || node['val'] === null ? null : asNode(node['val'], scope)
  const key = val?.typename === 'Literal' ? val['value'] : null
  if (typeof key === 'number' && Number.isSafeInteger(key) && key >= 0)
    return checkedMember({ kind: 'member', ...place, target, key }, scope)
  if (typeof key !== 'string') {
    refuse(
      scope.path,
      place,
      'A look-up needs a constant name or index.',
      'Write a.b or a[0]; branch with `if` where it depends.',
    )
  }
  if (FORBIDDEN_KEYS.has(key)) refuse(scope.path, place, `"${key}" is never data.`, 'Choose another name.')
  return checkedMember({ kind: 'member', ...place, target, key }, scope)
}

function checkedMember(found: Expression & { kind: 'member' }, scope: Scope): Expression {
  let length = 1
  let root: Expression = found.target
  for (; root.kind === 'member'; root = root.target) length += 1
  if (length > MAX_PATH) refuse(scope.path, found, `A path has more than ${MAX_PATH} keys.`, 'Put the value higher up.')
  const { target, key } = found
  if (target.kind === 'variable' && target.name === 'loop' && !(LOOP_FIELDS as readonly unknown[]).includes(key)) {
    refuse(scope.path, found, `loop.${key} is not known.`, `Known are ${LOOP_FIELDS.join(', ')}.`)
  }
  return found
}

function filter(node: Node, scope: Scope): Expression {
  const place = placeOf(node)
  const name = String(asNode(node['name'], scope)['value'])
  const found = FILTERS.get(name)
  if (found === undefined) {
    return refuse(
      scope.path,
      place,
      `The filter "${name}" is not allowed.`,
      `Allowed are ${[...FILTERS.keys()].sort().join(', ')}.`,
    )
  }
  const [target, ...args] = childrenOf(asNode(node['args'], scope)).map((child) => expression(child, scope))
  const problem = target === undefined ? 'has nothing to work on' : found.check(args)
  if (target === undefined || problem !== null) {
    return refuse(scope.path, place, `The filter "${name}" ${problem}.`, `Write ${found.usage}.`)
  }
  return { kind: 'filter', ...place, name, target, args }
}

function onlyChild(node: Node, scope: Scope): Expression {
  const children = childrenOf(node)
  if (children.length !== 1) refuse(scope.path, placeOf(node), 'Brackets hold exactly one expression.', ALLOWED)
  return expression(children[0], scope)
}

function negative(node: Node, scope: Scope): Expression {
  const target = expression(node['target'], scope)
  if (target.kind !== 'literal' || typeof target.value !== 'number') {
    refuse(
      scope.path,
      placeOf(node),
      'Templates do not calculate; only a literal number may be negative.',
      'Put the number into facts or values.',
    )
  }
  return { kind: 'literal', ...placeOf(node), value: -target.value }
}

function comparison(node: Node, scope: Scope): Expression {
  const operands = node['ops'] as { type: unknown; expr: unknown }[]
  const operator = OPERATORS.get(operands[0]?.type)
  if (operands.length !== 1 || operator === undefined) {
    return refuse(scope.path, placeOf(node), 'A comparison has two sides.', 'Join two comparisons with `and`.')
  }
  const left = expression(node['expr'], scope)
  return { kind: 'compare', ...placeOf(node), operator, left, right: expression(operands[0]!.expr, scope) }
}

function test(node: Node, scope: Scope): Expression {
  const right = asNode(node['right'], scope)
  const name = right.typename === 'Literal' && right['value'] === null ? 'none' : right['value']
  if (name !== 'defined' && name !== 'undefined' && name !== 'none') {
    return refuse(
      scope.path,
      placeOf(right),
      'This test is not allowed.',
      'Allowed are `is defined`, `is undefined` and `is none`.',
    )
  }
  if (name !== 'none' && right.typename !== 'Symbol') {
    return refuse(scope.path, placeOf(right), 'A test is a name, not a text.', 'Write `is defined`.')
  }
  return { kind: 'test', ...placeOf(node), test: name, operand: expression(node['left'], scope) }
}

function deeper(value: unknown, scope: Scope): Scope {
  if (scope.depth >= MAX_DEPTH) {
    refuse(
      scope.path,
      placeOf(asNode(value, scope)),
      `More than ${MAX_DEPTH} levels within each other.`,
      'Make it simpler.',
    )
  }
  return { ...scope, depth: scope.depth + 1 }
}

function asNode(value: unknown, scope: Scope): Node {
  if (typeof value === 'object' && value !== null && 'typename' in value && typeof value.typename === 'string')
    return value as Node
  return refuse(scope.path, { line: 1, column: 1 }, 'An expression is missing or incomplete.', ALLOWED)
}

function childrenOf(node: Node): unknown[] {
  return node['children'] as unknown[]
}

function placeOf(node: Node): Place {
  return { line: (node.lineno ?? 0) + 1, column: (node.colno ?? 0) + 1 }
}
