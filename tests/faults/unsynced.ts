import fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { proceedThen, type Operation } from './intercept.ts'

/** What a disk holds in memory only, and would lose with the power. */
export type Unsynced = {
  /** Does an operation, and remembers what of it no fsync has made durable yet. `after` is called when it ended. */
  follow(operation: Operation, after: () => void): unknown
  /**
   * The power is gone. `names and bytes`: names that no fsync of their directory made durable are as they were before,
   * and so are bytes that no fsync of their file did. `bytes`: only those, as where a journal kept the names: a file
   * that was renamed before it was fsynced is empty then.
   */
  lose(what: 'names and bytes' | 'bytes'): void
}

/** `before` is a hard link to what had the name; null where nothing had it. */
type Change = { path: string; before: string | null; order: number }
type Content = { durable: Buffer; version: number }

/**
 * Follows every operation below a folder as POSIX promises it, and no more: an fsync of a file makes its bytes durable
 * and not its name, one of a directory the names in it. A directory that is renamed, or removed with what is in it, is
 * taken for durable at once.
 */
export function openUnsynced(below: string): Unsynced {
  const aside = `${below}.aside`
  const soiled = new Map<number, Content>()
  const names = new Map<string, Change[]>()
  let order = 0
  fs.mkdirSync(aside, { recursive: true })

  const keep = (path: string): string | null => {
    if (fileAt(path) === null) return null
    const kept = join(aside, String(order++))
    fs.linkSync(path, kept)
    return kept
  }
  const change = (path: string, before: string | null): void => {
    const changes = names.get(dirname(path)) ?? []
    changes.push({ path, before, order: order++ })
    names.set(dirname(path), changes)
  }
  const soil = (path: string): void => {
    const file = fileAt(path)
    if (file === null || !file.isFile()) return
    const content = soiled.get(file.ino) ?? { durable: fs.readFileSync(path), version: 0 }
    content.version += 1
    soiled.set(file.ino, content)
  }
  const made = (path: string): void => {
    const file = fileAt(path)
    if (file === null) return
    change(path, null)
    if (file.isFile()) soiled.set(file.ino, { durable: Buffer.alloc(0), version: 1 })
  }

  /** What is to be remembered of an operation when it is over; looks at the disk before it begins. */
  function consequence({ name, kinds, path, args }: Operation): () => void {
    if (kinds.includes('sync')) return synced(path)
    if (name === 'rename') {
      const to = String(args[1])
      const [moved, replaced] = [keep(path), keep(to)]
      return () => {
        if (moved === null) return
        change(to, replaced)
        change(path, moved)
      }
    }
    if (name === 'link' || name === 'symlink') return () => change(path, null)
    if (kinds.includes('remove')) {
      const removed = keep(path)
      return () => void (removed !== null && fileAt(path) === null && change(path, removed))
    }
    if (name === 'mkdir') {
      const missing: string[] = []
      for (let each = path; fileOrFolderAt(each) === null; each = dirname(each)) missing.unshift(each)
      return () => missing.forEach((each) => change(each, null))
    }
    if (!kinds.includes('write') && !kinds.includes('create')) return () => undefined
    if (fileAt(path) === null) return () => made(path)
    soil(path)
    return () => undefined
  }

  function synced(path: string): () => void {
    const changes = names.get(path)
    if (changes !== undefined) {
      const durable = new Set(changes)
      return () =>
        names.set(
          path,
          (names.get(path) ?? []).filter((each) => !durable.has(each)),
        )
    }
    const file = fileAt(path)
    const content = file === null ? undefined : soiled.get(file.ino)
    if (file === null || content === undefined) return () => undefined
    const { version } = content
    const bytes = fs.readFileSync(path)
    return () => {
      content.durable = bytes
      if (content.version === version) soiled.delete(file.ino)
    }
  }

  return {
    follow(operation, after) {
      const remember = consequence(operation)
      return proceedThen(operation, operation.args, () => {
        remember()
        after()
      })
    },
    lose(what) {
      const changes = [...names.values()].flat().sort((a, b) => b.order - a.order)
      if (what === 'names and bytes') for (const each of changes) undo(each)
      for (const entry of fs.readdirSync(below, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        const content = entry.isFile() ? soiled.get(fs.statSync(path).ino) : undefined
        if (content !== undefined) {
          fs.chmodSync(path, 0o644)
          fs.writeFileSync(path, content.durable)
        }
      }
      fs.rmSync(aside, { recursive: true })
    },
  }
}

function undo({ path, before }: Change): void {
  fs.rmSync(path, { recursive: true, force: true })
  if (before !== null && fileOrFolderAt(dirname(path)) !== null) fs.linkSync(before, path)
}

function fileOrFolderAt(path: string): fs.Stats | null {
  return fs.lstatSync(path, { throwIfNoEntry: false }) ?? null
}

/** A file or a link, not a folder. */
function fileAt(path: string): fs.Stats | null {
  const found = basename(path) === '' ? null : fileOrFolderAt(path)
  return found === null || found.isDirectory() ? null : found
}
