import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../schemas/package-root.ts'

type Import = { from: string; to: string }

function sources(folder: string): string[] {
  const paths = readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
  return paths.filter((path) => path.endsWith('.ts')).map((path) => join(folder, path))
}

function ownImports(folder: string): Import[] {
  return sources(folder).flatMap((from) => {
    const text = readFileSync(join(PACKAGE_ROOT, from), 'utf8')
    const targets = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => match[1]!)
    return targets.map((target) => ({ from, to: relative(PACKAGE_ROOT, resolve(PACKAGE_ROOT, dirname(from), target)) }))
  })
}

const room = (path: string) => path.split(sep)[0]!

describe('the rooms', () => {
  it.each([
    ['schemas', ['schemas']],
    ['runtime', ['runtime', 'schemas']],
    ['controller', ['controller', 'runtime', 'schemas']],
  ])('%s imports only from %j', (folder, allowed) => {
    const imports = ownImports(folder)
    expect(imports.length).toBeGreaterThan(10)
    expect(imports.filter(({ to }) => !allowed.includes(room(to)))).toEqual([])
  })

  it('has no folder or file that says nothing by its name', () => {
    const paths = ['schemas', 'runtime', 'controller'].flatMap(sources)
    expect(paths.filter((path) => /(^|\/)(index|utils?|helpers?|common|misc)(\.ts|\/)/.test(path))).toEqual([])
  })

  it('signs in the controller only', () => {
    const importers = [...ownImports('runtime'), ...ownImports('schemas')]
    expect(importers.filter(({ to }) => to.includes('promotion/sign'))).toEqual([])
  })

  it('never compiles or renders a template of a bundle with nunjucks', () => {
    const calls = ['runtime', 'controller'].flatMap(sources).filter((path) => {
      const text = readFileSync(join(PACKAGE_ROOT, path), 'utf8')
      return (
        /nunjucks/.test(text) &&
        /\b(?:renderString|Environment|precompile|new Template|nunjucks\.(?:render|compile))\b/.test(text)
      )
    })
    expect(calls).toEqual([])
  })
})
