import type { ObjectType } from './object-reader.ts'

const SUBMODULE = '160000'

/**
 * The objects that an object names. Lenient: whether it is well-formed is judged by who reads it, here only what must
 * be there beside it.
 */
export function objectLinks(type: ObjectType, body: Buffer): string[] {
  switch (type) {
    case 'blob':
      return []
    case 'tree':
      return treeLinks(body)
    case 'tag':
      return headerLinks(body, /^object ([0-9a-f]{40})$/)
    case 'commit':
      return headerLinks(body, /^(?:tree|parent) ([0-9a-f]{40})$/)
    default:
      return type satisfies never
  }
}

function headerLinks(body: Buffer, pattern: RegExp): string[] {
  const links: string[] = []
  for (let at = 0; ;) {
    const end = body.indexOf(10, at)
    const oid = pattern.exec(body.toString('latin1', at, end < 0 ? at : end))?.[1]
    if (oid === undefined) return links
    links.push(oid)
    at = end + 1
  }
}

function treeLinks(body: Buffer): string[] {
  const links: string[] = []
  for (let at = 0; at < body.length;) {
    const end = body.indexOf(0, at)
    if (end < 0 || end + 21 > body.length) return links
    if (body.toString('latin1', at, at + 6) !== SUBMODULE) links.push(body.toString('hex', end + 1, end + 21))
    at = end + 21
  }
  return links
}
