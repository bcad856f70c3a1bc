import { stringify } from 'yaml'

export type Malformed = { what: string; bytes: Buffer }

const LARGE = 9 * 1024 * 1024

/**
 * A file that is right, made wrong in every way that its kind allows: as text, and at each of its parts. `open` names
 * pointers, such as `facts`, below which anything may stand.
 */
export function malformedFiles(good: unknown, format: 'yaml' | 'json', open: readonly string[] = []): Malformed[] {
  const text = format === 'yaml' ? stringify(good) : `${JSON.stringify(good, null, 2)}\n`
  const write = (value: unknown) => (format === 'yaml' ? stringify(value) : JSON.stringify(value))
  const files: [string, string | Uint8Array][] = [
    ['empty', ''],
    ['white space', ' \n\n'],
    ['a byte order mark', `\ufeff${text}`],
    ['carriage returns', text.replaceAll('\n', '\r\n')],
    ['NUL', `${text}\0`],
    ['a bidirectional control', text.replace(/[a-z]{2}/, (word) => `${word}\u202e`)],
    ['not UTF-8', Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xfe])])],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['binary', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['too large', Buffer.alloc(LARGE, ' ')],
    ['two documents', format === 'yaml' ? `${text}---\n${text}` : `${text}${text}`],
    ['cut off', format === 'yaml' ? `${text}x: "` : text.slice(0, -3)],
    ['a merge conflict', `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> main\n`],
    ['a list', write([good])],
    ['text', write('hello')],
    ['a number', write(7)],
    ['null', write(null)],
    ['markup', '<html></html>'],
    ['brackets', '['.repeat(5_000)],
    ['the other format of a script', `module.exports = ${JSON.stringify(good)}`],
  ]
  if (format === 'yaml') {
    files.push(
      ['tabs', text.replaceAll(/^ +/gm, '\t').replace(/: /, ':\t')],
      ['an anchor', text.replace(': ', ': &x ')],
      ['an alias', `${text}zzz: *x\n`],
      ['a tag', text.replace(': ', ': !!str ')],
      ['a directive', `%YAML 1.1\n---\n${text}`],
    )
  } else {
    files.push(['a comment', `// x\n${text}`], ['a comma too many', text.replace(/\}\s*$/, ',}')])
  }
  if (typeof good === 'object' && good !== null && !Array.isArray(good)) {
    const [first = 'a'] = Object.keys(good)
    const again =
      format === 'yaml' ? `${text}${stringify({ [first]: 1 })}` : text.replace('{', `{${JSON.stringify(first)}: 1,`)
    files.push(['a key twice', again])
  }
  const parts = [...brokenParts(good, '', open)].map(({ what, value }): [string, string] => [what, write(value)])
  return [...files, ...parts].map(([what, body]) => ({ what, bytes: Buffer.from(body) }))
}

type Broken = { what: string; value: unknown }

function* brokenParts(value: unknown, where: string, open: readonly string[]): Generator<Broken> {
  if (open.includes(where)) {
    yield* wrongTypes(value, where)
    return
  }
  if (Array.isArray(value)) {
    for (const { what, value: item } of brokenParts(value[0], `${where}/*`, open)) {
      yield { what, value: [...value, item] }
    }
    yield { what: `${where} with null`, value: [...value, null] }
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Record<string, unknown>
    yield { what: `${where} with an unknown key`, value: { ...object, zzz_unknown: 1 } }
    for (const [name, part] of Object.entries(object)) {
      for (const broken of brokenParts(part, `${where}/${name}`, open)) {
        yield { what: broken.what, value: { ...object, [name]: broken.value } }
      }
    }
  } else if (typeof value === 'string') {
    yield { what: `${where} too long`, value: 'x'.repeat(30_000) }
  } else if (typeof value === 'number') {
    yield { what: `${where} too large`, value: 2 ** 53 - 1 }
    yield { what: `${where} negative`, value: -1 }
  }
  if (where !== '') yield* wrongTypes(value, where)
}

function* wrongTypes(value: unknown, where: string): Generator<Broken> {
  const others = [null, 'x y\nz', 1.5, [[]], { zzz_unknown: [] }, '']
  for (const other of others) {
    if (
      typeof other === typeof value &&
      typeof other !== 'string' &&
      Array.isArray(other) === Array.isArray(value) &&
      other !== null
    )
      continue
    yield { what: `${where} as ${JSON.stringify(other)}`, value: other }
  }
}
