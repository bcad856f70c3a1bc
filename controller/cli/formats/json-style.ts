const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g
const INDENT = '  '

/** A value as tokens: strings and numbers stay as their author wrote them. */
type Node =
  | { kind: 'atom'; text: string }
  | { kind: 'list'; items: Node[]; spread: boolean }
  | { kind: 'object'; items: { key: string; value: Node }[]; spread: boolean }

/**
 * JSON in one style: two spaces, and one item on a line where its author began a new line for the first. Keys stay in their order. The text must have passed `safeJson`.
 */
export function styleJson(text: string): string {
  const tokens = [...text.matchAll(TOKEN)].map(({ 0: source, index }) => ({ source, index }))
  let at = 0

  const read = (): Node => {
    const { source, index } = tokens[at++]!
    if (source !== '[' && source !== '{') return { kind: 'atom', text: source }
    const spread = text.slice(index, tokens[at]?.index).includes('\n')
    const close = source === '[' ? ']' : '}'
    const items: { key: string; value: Node }[] = []
    while (tokens[at]?.source !== close) {
      if (tokens[at]?.source === ',') at += 1
      const key = source === '{' ? tokens[at++]!.source : ''
      if (source === '{') at += 1
      items.push({ key, value: read() })
    }
    at += 1
    return source === '['
      ? { kind: 'list', items: items.map(({ value }) => value), spread }
      : { kind: 'object', items, spread }
  }
  return `${written(read(), '')}\n`
}

function written(node: Node, indent: string): string {
  if (node.kind === 'atom') return node.text
  const [open, close] = node.kind === 'list' ? '[]' : '{}'
  if (node.items.length === 0) return `${open}${close}`
  const line = oneLine(node)
  if (line !== null) return line
  const inner = indent + INDENT
  const items =
    node.kind === 'list'
      ? node.items.map((item) => written(item, inner))
      : node.items.map(({ key, value }) => `${key}: ${written(value, inner)}`)
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`
}

/** Null where something in it was written over lines. */
function oneLine(node: Node): string | null {
  if (node.kind === 'atom') return node.text
  if (node.items.length === 0) return node.kind === 'list' ? '[]' : '{}'
  if (node.spread) return null
  const items = node.kind === 'list' ? node.items.map(oneLine) : node.items.map(entryOnLine)
  if (items.includes(null)) return null
  return node.kind === 'list' ? `[${items.join(', ')}]` : `{ ${items.join(', ')} }`
}

function entryOnLine({ key, value }: { key: string; value: Node }): string | null {
  const line = oneLine(value)
  return line === null ? null : `${key}: ${line}`
}
