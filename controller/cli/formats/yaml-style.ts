import { CST, parseDocument, Parser, type ParseOptions, type DocumentOptions, type SchemaOptions } from 'yaml'

const READ: ParseOptions & DocumentOptions & SchemaOptions = { version: '1.2', schema: 'core', merge: false }
const WRITE = { lineWidth: 0, indent: 2, indentSeq: true, singleQuote: true, flowCollectionPadding: true } as const

/**
 * YAML in one style: two spaces, `{ a: 1 }` and `[a, b]`, comments and blank lines where they are, nothing folded that
 * stands on one line. The text must have passed `safeYaml`.
 */
export function styleYaml(text: string): string {
  const document = parseDocument(text, READ)
  if (document.contents === null) return text
  const styled = document.toString(WRITE)
  return [...new Parser().parse(styled)].map(withTightLists).join('')
}

/** The library pads lists as it pads mappings. */
function withTightLists(token: CST.Token): string {
  if (token.type === 'document') {
    CST.visit(token, (item) => {
      for (const part of [item.key, item.value]) if (part?.type === 'flow-collection') tighten(part)
    })
    if (token.value?.type === 'flow-collection') tighten(token.value)
  }
  return CST.stringify(token)
}

function tighten({ start, items, end }: CST.FlowCollection): void {
  const isSpread = items.some((item) => item.start.some(({ type }) => type === 'newline'))
  if (start.source !== '[' || isSpread) return
  const inner = end.slice(
    0,
    end.findIndex(({ type }) => type === 'flow-seq-end'),
  )
  const last = items.at(-1)
  const behind = last?.value !== undefined && 'end' in last.value ? (last.value.end?.at(-1) ?? null) : null
  for (const token of [items[0]?.start[0], last?.value === undefined ? last?.start.at(-1) : null, behind, inner.at(-1)])
    if (token?.type === 'space') token.source = ''
}
