import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'

/** Each test that a page names, as `` `path below tests/`: title ``. */
function testsNamedIn(page: string): { file: string; title: string }[] {
  const text = readFileSync(join(PACKAGE_ROOT, page), 'utf8')
  const cells = text.split('\n').flatMap((line) => line.split(/ \| |<br>/))
  return cells.flatMap((cell) => {
    const named = /^`([\w/-]+\.test\.ts)`: (.+?)(?: \|)?$/.exec(cell.trim())
    return named?.[1] === undefined || named[2] === undefined ? [] : [{ file: named[1], title: named[2] }]
  })
}

describe.each([
  ['docs/conformance.md', 50],
  ['docs/threat-model.md', 25],
])('%s', (page, atLeast) => {
  const named = testsNamedIn(page)

  it('names tests that exist, by their titles', () => {
    const absent = named.filter(({ file, title }) => {
      const path = join(PACKAGE_ROOT, 'tests', file)
      const bare = title.replace(/ \([A-Z]\d\d(?:, [A-Z]\d\d)*\)$/, '')
      return !existsSync(path) || !titlesIn(path).includes(bare)
    })
    expect(absent).toEqual([])
    expect(named.length).toBeGreaterThanOrEqual(atLeast)
  })

  it('names a test in every row that makes a promise', () => {
    const rows = readFileSync(join(PACKAGE_ROOT, page), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (?:sentence|attack|stolen) \|/.test(line))
    expect(rows.filter((row) => !row.includes('.test.ts`: '))).toEqual([])
  })
})

/** Titles as they are written in calls of `it`, without the ids of attacks at their ends. */
function titlesIn(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(/(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1,\s*(?:\{|async|\(|$)/gm)].map((match) =>
    (match[2] ?? '').replace(/ \([A-Z]\d\d(?:, [A-Z]\d\d)*\)$/, ''),
  )
}
