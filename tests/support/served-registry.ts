import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parsePktLines } from '../../runtime/git/pkt-line.ts'
import type { RepositoryOptions } from '../../runtime/git/repository.ts'
import { serveGit, type GitServerFault } from './git-http-server.ts'
import {
  bareRepository,
  git,
  importCommits,
  opened,
  putFiles,
  rawPack,
  snapshot,
  temporaryDirectory,
  type RawEntry,
} from './raw-git.ts'

export const LIVE = 'refs/heads/live'
export const FETCH = [LIVE, 'refs/tags/bundles/']

/** A repository behind a real Git server, with a line of commits on `live`. */
export async function served(commits = 3, options: RepositoryOptions = {}) {
  const gitdir = await bareRepository()
  const tip = commits === 0 ? '' : importCommits(gitdir, LIVE, commits)
  const server = await serveGit({ root: dirname(gitdir) })
  onTestFinished(() => server.close())
  const mirror = join(temporaryDirectory(), 'mirror')
  const url = `${server.url}/registry.git`
  const open = (more: RepositoryOptions = {}) =>
    opened(url, { mirror, fetch: FETCH, stallMs: 2000, ...options, ...more })
  return { gitdir, tip, server, mirror, url, open }
}

/** One more commit on the server. */
export function advance(gitdir: string, files: Record<string, string> = { a: String(Math.random()) }): string {
  const tip = putFiles(gitdir, files, [git(gitdir, 'rev-parse', LIVE)])
  git(gitdir, 'update-ref', LIVE, tip)
  return tip
}

/** The state that a failed fetch must not touch: objects and refs of the mirror. */
export const trusted = (mirror: string) => [snapshot(join(mirror, 'objects')), snapshot(join(mirror, 'refs'))]

/** Wraps a pack as the answer of `git-upload-pack`, in side band 1. */
export function sideband(pack: Buffer): Buffer {
  const line = (bytes: Buffer) => Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
  const parts = [line(Buffer.from('NAK\n'))]
  for (let at = 0; at < pack.length; at += 60_000)
    parts.push(line(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + 60_000)])))
  return Buffer.concat([...parts, Buffer.from('0000')])
}

/** Sends these entries in place of what was asked for. */
export const evilPack = (entries: RawEntry[]): GitServerFault => ({
  on: 'git-upload-pack',
  kind: 'rewrite',
  rewrite: (body) => (isPack(body) ? sideband(rawPack(entries)) : body),
})
/** Changes one bit of the pack itself, `at` bytes behind its beginning or, when negative, before its end. */
export const flipInPack = (at: number): GitServerFault => ({
  on: 'git-upload-pack',
  kind: 'rewrite',
  rewrite: (body) => {
    if (!isPack(body)) return body
    const lines = [...parsePktLines(body)]
      .filter((line) => line?.[0] === 1)
      .map((line) => line?.subarray(1) ?? Buffer.alloc(0))
    const pack = Buffer.concat(lines)
    const index = at < 0 ? pack.length + at : at
    pack[index] = (pack[index] ?? 0) ^ 1
    return sideband(pack)
  },
})
export const isPack = (body: Buffer) => body.includes('PACK')
