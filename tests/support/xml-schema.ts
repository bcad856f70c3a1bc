/** An element as it stands in an XML file. */
export type XmlNode = { name: string; attributes: Record<string, string>; children: XmlNode[]; text: string }

const TAG = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*"[^"<]*")*)\s*(\/?)>|([^<]+)/gy

/** A strict reader of the XML that this project writes and of the schemas it is held to. Throws for anything else. */
export function parseXml(text: string): XmlNode {
  const root: XmlNode = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  let at = 0
  while (at < text.length) {
    TAG.lastIndex = at
    const match = TAG.exec(text)
    if (match === null) throw new Error(`no XML at ${at}: ${text.slice(at, at + 40)}`)
    at = TAG.lastIndex
    const [, closing, name, attributes = '', empty, words] = match
    const parent = open.at(-1)!
    if (words !== undefined) {
      if (/&(?!(?:amp|lt|gt|quot|apos|#\d+);)/.test(words)) throw new Error(`a bare & in ${words}`)
      parent.text += words
    } else if (name !== undefined && closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`)
    } else if (name !== undefined) {
      const pairs = [...attributes.matchAll(/([\w:.-]+)\s*=\s*"([^"]*)"/g)].map(([, key, value]) => [key!, value!])
      const node: XmlNode = { name, attributes: Object.fromEntries(pairs), children: [], text: '' }
      parent.children.push(node)
      if (empty !== '/') open.push(node)
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('not one element, closed')
  return root.children[0]!
}

type Rule = { attributes: Map<string, boolean>; sequence: { ref: string; min: number; max: number }[]; text: boolean }

/** Rules of a schema of global elements, sequences of references and string attributes, which is all that JUnit's has. */
function rulesOf(schema: XmlNode): Map<string, Rule> {
  return new Map(
    schema.children.map((node) => {
      const type = node.children.find(({ name }) => name === 'xs:complexType')
      const sequence = type?.children.find(({ name }) => name === 'xs:sequence')?.children ?? []
      const attributes = type?.children.filter(({ name }) => name === 'xs:attribute') ?? []
      const rule: Rule = {
        attributes: new Map(attributes.map(({ attributes: { name, use } }) => [name!, use === 'required'])),
        sequence: sequence.map(({ attributes: { ref, minOccurs = '1', maxOccurs = '1' } }) => ({
          ref: ref!,
          min: Number(minOccurs),
          max: maxOccurs === 'unbounded' ? Infinity : Number(maxOccurs),
        })),
        text: type === undefined || type.attributes['mixed'] === 'true',
      }
      return [node.attributes['name']!, rule]
    }),
  )
}

/** What an XML file breaks of a schema; empty where it is valid. */
export function violationsOf(xml: string, xsd: string): string[] {
  const rules = rulesOf(parseXml(xsd))
  const found: string[] = []
  const visit = (node: XmlNode): void => {
    const rule = rules.get(node.name)
    if (rule === undefined) return void found.push(`${node.name} is not known`)
    for (const [name, required] of rule.attributes)
      if (required && node.attributes[name] === undefined) found.push(`${node.name} lacks ${name}`)
    for (const name of Object.keys(node.attributes))
      if (!rule.attributes.has(name)) found.push(`${node.name} may not have ${name}`)
    if (!rule.text && node.text.trim() !== '') found.push(`${node.name} may not hold text`)
    let left = [...node.children]
    for (const { ref, min, max } of rule.sequence) {
      const count = left.findIndex(({ name }) => name !== ref)
      const taken = count === -1 ? left.length : count
      if (taken < min || taken > max) found.push(`${node.name} holds ${taken} of ${ref}`)
      left = left.slice(taken)
    }
    if (left.length > 0) found.push(`${node.name} may not hold ${left[0]!.name} there`)
    node.children.forEach(visit)
  }
  visit(parseXml(xml))
  return found
}
