import type { Finding } from '../../schemas/finding.ts'
import type { Gate } from './gate.ts'

const SHOWN = 50

/** No file holds a secret: whoever may read the registry could use it, for as long as Git keeps it. */
export const secrets: Gate = {
  name: 'secrets',
  since: 1,
  judge({ secrets: found, prefix }) {
    return found.slice(0, SHOWN).map(({ path, line, column, kind }, index): Finding => {
      const more = index === SHOWN - 1 && found.length > SHOWN ? ' There are more.' : ''
      return {
        gate: 'secrets',
        code: 'SECRET_FOUND',
        severity: 'error',
        path: `${prefix}${path}`,
        line,
        column,
        message: `What stands here has the form of a secret (${kind}).${more}`,
        hint: 'Make it invalid where it was issued, and remove it: Git keeps what was once committed.',
      }
    })
  },
}
