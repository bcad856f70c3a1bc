/** A part of a document under one heading, as it is cited. `heading` is a path such as "Cards > Fees"; "" before any. */
export type Passage = { document: string; heading: string; text: string }

const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/
const FENCE = /^ {0,3}(`{3,}|~{3,})/

/** Splits Markdown at its headings (`#` to `######`, not inside fenced code). Parts without text are left out. */
export function splitDocument(document: string, markdown: string): Passage[] {
  const passages: Passage[] = []
  const path: string[] = []
  let lines: string[] = []
  let fence: string | null = null
  const close = () => {
    const text = lines.join('\n').trim()
    const heading = path.filter((title) => title !== '').join(' > ')
    if (text !== '') passages.push({ document, heading, text })
    lines = []
  }
  for (const line of markdown.split(/\r?\n/)) {
    const mark = FENCE.exec(line)?.[1]
    if (mark !== undefined && fence === null) fence = mark
    else if (mark !== undefined && fence !== null && mark.startsWith(fence)) fence = null
    const heading = fence === null && mark === undefined ? HEADING.exec(line) : null
    if (heading === null) {
      lines.push(line)
      continue
    }
    close()
    const level = (heading[1] ?? '').length
    path.length = Math.min(path.length, level - 1)
    while (path.length < level - 1) path.push('')
    path.push(heading[2] ?? '')
  }
  close()
  return passages
}
