import { ACTIONS, PROFILES } from './actions.ts'

const AUTH = { none: 'nothing', 'tenant-key': "a tenant's key", 'operator-key': "the operator's key" } as const

/** The text of `docs/gate/ACTION_MATRIX.md`. */
export function actionMatrixPage(): string {
  const rows = ACTIONS.map(({ name, method, path }) => {
    const { auth, scopes, body, deadlineMs, limit } = PROFILES[name]
    const needed = scopes.length === 0 ? '' : ` with ${scopes.map((scope) => `\`${scope}\``).join(' or ')}`
    const cells = [
      `\`${method} ${path}\``,
      `\`${name}\``,
      `${AUTH[auth]}${needed}`,
      body === 'none' ? 'never read' : 'one JSON document',
      `${deadlineMs / 1000} s`,
      limit === 'none' ? 'none' : `\`${limit}\``,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '# Action matrix',
    '',
    'Generated from `runtime/http/actions.ts`, from which the routes are built, too. Whatever is not in this table is denied',
    'with `G8_UNKNOWN_ACTION`.',
    '',
    '| Path and method | Action and profile | Needs | Body | Deadline | Limits |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    "`HEAD` of a path that has `GET` answers like `GET`, without the body. `GET /status` also takes a tenant's key with the",
    'scope `status` and then shows that tenant only. `TIMEOUT_REQUEST` may shorten a deadline, never lengthen it.',
    '',
  ].join('\n')
}
