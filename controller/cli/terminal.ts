import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Where a command writes: people's lines or one JSON document to `out`, progress and complaints to `err`. */
export type Terminal = {
  json: boolean
  /** Whether `out` is a terminal that takes colour. */
  colour: boolean
  out: (text: string) => void
  err: (text: string) => void
  style: (style: Style, text: string) => string
  /** The columns of a table, left-aligned, two spaces apart. */
  table: (rows: readonly (readonly string[])[]) => string
}

/** Colour only on a terminal, and never where NO_COLOR is set (no-color.org). */
export function openTerminal(json: boolean, env: NodeJS.ProcessEnv): Terminal {
  const colour = process.stdout.isTTY && !json && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    json,
    colour,
    out: (text) => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    err: (text) => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
    style: (style, text) => (colour ? styleText(style, text) : text),
    table: formatTable,
  }
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
