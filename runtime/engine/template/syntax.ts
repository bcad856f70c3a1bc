/** Where something stands in a template; both 1-based. */
export type Place = { line: number; column: number }

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** What a template may compute. Every kind that is not here is refused when the template is checked. */
export type Expression = Place &
  (
    | { kind: 'literal'; value: string | number | boolean | null }
    | { kind: 'list'; items: Expression[] }
    | { kind: 'variable'; name: string }
    | { kind: 'member'; target: Expression; key: string | number }
    | { kind: 'filter'; name: string; target: Expression; args: Expression[] }
    | { kind: 'not'; operand: Expression }
    | { kind: 'and' | 'or' | 'in'; left: Expression; right: Expression }
    | { kind: 'compare'; operator: Comparison; left: Expression; right: Expression }
    | { kind: 'test'; test: 'defined' | 'undefined' | 'none'; operand: Expression }
    | { kind: 'choice'; condition: Expression; chosen: Expression; otherwise: Expression }
  )

export type Statement =
  | { kind: 'text'; text: string }
  | { kind: 'output'; expression: Expression }
  | (Place & { kind: 'if'; condition: Expression; body: Statement[]; otherwise: Statement[] })
  | (Place & { kind: 'for'; name: string; list: Expression; body: Statement[]; otherwise: Statement[] })

/** A template that passed every check. `path` is used in messages. */
export type Template = { path: string; body: Statement[] }

/** The variables that every template sees; loops add theirs, and `loop`. */
export const ROOTS = ['input', 'intent', 'facts', 'values'] as const

export const LOOP_FIELDS = ['index', 'index0', 'first', 'last', 'length'] as const
