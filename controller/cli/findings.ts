import type { Finding } from '../../schemas/finding.ts'
import type { Terminal } from './terminal.ts'

const COLOURS = { error: 'red', warning: 'yellow', note: 'cyan' } as const

/** One finding in three lines: place, what was found, what to do. */
export function formatFindings(findings: readonly Finding[], terminal: Terminal): string {
  return findings
    .map(({ path, line, column, severity, gate, code, message, hint }) => {
      const place = terminal.style('bold', `${path}:${line}:${column}`)
      return `${place} ${terminal.style(COLOURS[severity], severity)} ${gate} ${code}\n  ${message}\n  ${hint}`
    })
    .join('\n')
}
