import { describe, expect, it } from 'vitest'
import { layoutFindings, pathProblem } from '../../../runtime/bundle/files.ts'

describe('a path of a bundle', () => {
  it.each(['manifest.yaml', 'templates/card.j2', 'a/b/c/d.e', 'A-1_x.y', 'console.md', 'com10.md'])(
    'may be %j',
    (path) => {
      expect(pathProblem(path)).toBeNull()
    },
  )

  it.each([
    '',
    '/etc/passwd',
    'a//b',
    'a/',
    '.',
    '..',
    'a/../b',
    '.git/config',
    'a/.gitattributes',
    '-rf',
    '$(id)',
    '~',
    'a\\b',
    'a:b',
    'a b',
    'a\nb',
    'a\0b',
    'a\u202eb',
    'é.md',
    'e\u0301.md',
    '．git',
    'a.',
    'con',
    'NUL.txt',
    'templates/aux.j2',
    'COM1',
    'x'.repeat(129),
    Array.from({ length: 13 }, () => 'a').join('/'),
  ])('may not be %j', (path) => {
    expect(pathProblem(path)).not.toBeNull()
  })
})

describe('the entries of a bundle', () => {
  const refused = (...entries: [path: string, mode?: string][]) =>
    [
      ...layoutFindings(
        entries.map(([path, mode = '100644']) => ({ path, mode })),
        'bundles/faq/',
      ).values(),
    ].map(({ path }) => path)

  it('are plain files', () => {
    expect(refused(['a'], ['b', '100755'], ['c', '120000'], ['d', '160000'])).toEqual(
      ['b', 'c', 'd'].map((name) => `bundles/faq/${name}`),
    )
  })

  it.each([
    [['README.md'], ['readme.md']],
    [['templates/a.j2'], ['Templates/b.j2']],
    [['a'], ['a/b']],
    [['a/b'], ['A']],
  ] as [[string], [string]][])('%j and %j cannot stand side by side', (one, other) => {
    expect(refused(one, other)).toEqual([`bundles/faq/${other[0]}`])
  })

  it('may share folders', () => {
    expect(refused(['a/b/c'], ['a/b/d'], ['a/e'])).toEqual([])
  })
})
