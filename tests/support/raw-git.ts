import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { formatCommit } from '../../runtime/git/commit-object.ts'
import { initBareRepository } from '../../runtime/git/init-repository.ts'
import type { ObjectType } from '../../runtime/git/object-reader.ts'
import { openRepository, type Repository, type RepositoryOptions } from '../../runtime/git/repository.ts'

/** Objects, packs and repositories as an attacker would write them, and stock git as the other side. */

export const AUTHOR = { name: 'Ada', email: 'ada@example.org', timestamp: 1_700_000_000, timezone: '+0000' }
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: AUTHOR.name,
  GIT_AUTHOR_EMAIL: AUTHOR.email,
  GIT_COMMITTER_NAME: AUTHOR.name,
  GIT_COMMITTER_EMAIL: AUTHOR.email,
}

/** A directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'contractor-git-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A repository that is closed when the test ends. */
export async function opened(location: string, options: RepositoryOptions = {}): Promise<Repository> {
  const repository = await openRepository(location, options)
  onTestFinished(() => repository.close())
  return repository
}

/** Stock git; throws when it fails. */
export function git(directory: string, ...args: string[]): string {
  return execFileSync('git', ['-C', directory, ...args], { env: ENVIRONMENT, encoding: 'utf8', stdio: 'pipe' }).trim()
}

export function fsck(directory: string): string {
  return git(directory, 'fsck', '--full', '--strict', '--no-dangling')
}

export async function bareRepository(name = 'registry.git'): Promise<string> {
  const path = join(temporaryDirectory(), name)
  await initBareRepository(path)
  return path
}

export function looseFile(gitdir: string, oid: string): string {
  return join(gitdir, 'objects', oid.slice(0, 2), oid.slice(2))
}

/** Writes any object, also an invalid one. */
export function putLoose(gitdir: string, type: ObjectType, body: Buffer | string): string {
  const bytes = Buffer.from(body)
  const whole = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes])
  const oid = createHash('sha1').update(whole).digest('hex')
  writeLooseBytes(gitdir, oid, deflateSync(whole))
  return oid
}

export function writeLooseBytes(gitdir: string, oid: string, bytes: Uint8Array): void {
  mkdirSync(join(gitdir, 'objects', oid.slice(0, 2)), { recursive: true })
  rmSync(looseFile(gitdir, oid), { force: true })
  writeFileSync(looseFile(gitdir, oid), bytes)
}

export function treeEntry(mode: string, name: string | Buffer, oid: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, 'hex')])
}

export function putCommit(
  gitdir: string,
  tree: string,
  parents: string[] = [],
  message = 'a commit\n',
  timestamp = AUTHOR.timestamp,
): string {
  const person = { ...AUTHOR, timestamp }
  return putLoose(gitdir, 'commit', formatCommit({ tree, parents, author: person, committer: person, message }))
}

/** Puts a line of commits on a branch, each with one file of its own content, in one pack or as loose objects. */
export function importCommits(gitdir: string, branch: string, count: number): string {
  const commits = Array.from({ length: count }, (_, i) => {
    const head = `commit ${branch}\ncommitter ${AUTHOR.name} <${AUTHOR.email}> ${AUTHOR.timestamp + i} +0000\ndata 8\na commit\n`
    return `${head}M 100644 inline files/${i % 50}.txt\ndata ${String(i).length}\n${i}\n`
  })
  execFileSync('git', ['-C', gitdir, 'fast-import', '--quiet', '--force'], {
    env: ENVIRONMENT,
    input: commits.join(''),
  })
  return git(gitdir, 'rev-parse', branch)
}

/** A commit whose tree holds these files, by loose objects. */
export function putFiles(gitdir: string, files: Record<string, string>, parents: string[] = []): string {
  const entries = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => treeEntry('100644', name, putLoose(gitdir, 'blob', text)))
  return putCommit(gitdir, putLoose(gitdir, 'tree', Buffer.concat(entries)), parents)
}

/** One entry of a raw pack: type 1–4 an object, 6 a delta by offset, 7 by name; `base` is what names its base. */
export type RawEntry = { type: number; data: Buffer; base?: Buffer; size?: number }

export function rawPack(entries: readonly RawEntry[], count = entries.length): Buffer {
  const parts: Buffer[] = [Buffer.from('PACK'), Buffer.from([0, 0, 0, 2]), Buffer.alloc(4)]
  parts[2]?.writeUInt32BE(count)
  for (const { type, data, base, size = data.length } of entries) {
    const head: number[] = []
    let rest = Math.floor(size / 16)
    let byte = (type << 4) | (size & 15)
    while (rest > 0) {
      head.push(byte | 0x80)
      byte = rest & 0x7f
      rest = Math.floor(rest / 128)
    }
    parts.push(Buffer.from([...head, byte]), base ?? Buffer.alloc(0), deflateSync(data))
  }
  const body = Buffer.concat(parts)
  return Buffer.concat([body, createHash('sha1').update(body).digest()])
}

/** A delta that copies `[from, length]` of its base and inserts bytes. */
export function rawDelta(baseSize: number, resultSize: number, instructions: readonly Buffer[]): Buffer {
  return Buffer.concat([sizeBytes(baseSize), sizeBytes(resultSize), ...instructions])
}

export function insert(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}

/** Copies up to 65,536 bytes from the start of the base; 65,536 is written as no length at all. */
export function copyFromStart(length: number): Buffer {
  if (length === 0x10000) return Buffer.from([0x80])
  return Buffer.from([0xb0, length & 0xff, (length >> 8) & 0xff])
}

function sizeBytes(size: number): Buffer {
  const bytes: number[] = []
  let rest = size
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** The one pack of a repository, as stock git packed it. */
export function onlyPack(gitdir: string): { pack: string; idx: string } {
  const name = readdirSync(join(gitdir, 'objects/pack')).find((each) => each.endsWith('.pack')) ?? 'none.pack'
  const pack = join(gitdir, 'objects/pack', name)
  return { pack, idx: pack.replace(/pack$/, 'idx') }
}

/** Every file below a directory with its bytes: to show that nothing moved. */
export function snapshot(directory: string, path = ''): Record<string, string> {
  const found: Record<string, string> = {}
  if (!existsSync(join(directory, path))) return found
  for (const entry of readdirSync(join(directory, path), { withFileTypes: true })) {
    const below = join(path, entry.name)
    if (entry.isDirectory()) Object.assign(found, snapshot(directory, below))
    else found[below] = readFileSync(join(directory, below), 'base64')
  }
  return found
}

export function inflateLoose(gitdir: string, oid: string): Buffer {
  return inflateSync(readFileSync(looseFile(gitdir, oid)))
}
