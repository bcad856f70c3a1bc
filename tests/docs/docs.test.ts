import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import { REASONS } from '../../schemas/reasons.ts'

const PAGES = [
  ...readdirSync(PACKAGE_ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(PACKAGE_ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].sort()
/** Constants of other systems and settings, which look like reason codes. */
const NOT_REASONS = /^(?:CONTRACTOR|ALLOWED|TIMEOUT|LC|NODE|GIT|POSTGRES|REDIS)_/

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(join(PACKAGE_ROOT, page), 'utf8')

  it('links only to pages and headings that exist', () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    expect(links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(page, link))).toEqual([])
  })

  it('names only reason codes that exist', () => {
    const named = [...text.matchAll(/`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`/g)].map((match) => match[1]!)
    expect(named.filter((code) => !Object.hasOwn(REASONS, code) && !NOT_REASONS.test(code))).toEqual([])
  })
})

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(PACKAGE_ROOT, target))) return false
  return heading === undefined || headingsOf(readFileSync(join(PACKAGE_ROOT, target), 'utf8')).includes(heading)
}

/** Anchors as Git hosts make them. */
function headingsOf(text: string): string[] {
  const headings = [...withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1]!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/&[a-z]+;/g, '')
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

const withoutCode = (text: string) =>
  text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, (code) => code.slice(1, -1).replace(/[[\]()]/g, ''))
