import { REASONS, type Reason } from './reasons.ts'

const HEAD = `# Reason codes

Every refusal, finding, decision and problem document names exactly one of these codes. The list is closed: a code keeps
its meaning, and \`contractor explain <CODE>\` prints the same. The status is that of an HTTP answer with this code.

| Code | Status | What happened | What to do |
|---|---|---|---|
`

/** The text of \`docs/reasons.md\`. */
export function reasonsPage(): string {
  const codes = Object.keys(REASONS).sort() as Reason[]
  return HEAD + codes.map(rowOf).join('')
}

function rowOf(code: Reason): string {
  const { status, title, hint }: { status?: number; title: string; hint: string } = REASONS[code]
  return `| \`${code}\` | ${status ?? ''} | ${cell(title)} | ${cell(hint)} |\n`
}

const cell = (text: string) => text.replaceAll('|', '\\|')
