/** An XML element whose content is text or elements. */
export type Element = {
  name: string
  attributes: Readonly<Record<string, string | number>>
  content: readonly (Element | string)[]
}

/** The text of an element, indented by two spaces for each level. */
export function element({ name, attributes, content }: Element, indent = ''): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
  const open = `${indent}<${name}${given.join('')}`
  if (content.length === 0) return `${open}/>`
  const texts = content.filter((part) => typeof part === 'string')
  if (texts.length === content.length) return `${open}>${texts.map(escaped).join('')}</${name}>`
  const inner = content.map((part) => (typeof part === 'string' ? escaped(part) : element(part, `${indent}  `)))
  return `${open}>\n${inner.join('\n')}\n${indent}</${name}>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
/** Characters that XML 1.0 cannot hold, not even as a reference. */
const NOT_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

function escaped(text: string): string {
  return text.replaceAll(NOT_XML, '\ufffd').replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!)
}
