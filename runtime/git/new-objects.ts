import { readCommit } from './commit-graph.ts'
import type { ObjectReader } from './object-reader.ts'
import type { ObjectStore } from './object-store.ts'
import { parseTag } from './tag-object.ts'
import { readTree } from './tree-files.ts'
import { DIRECTORY, type TreeEntry } from './tree.ts'

const SUBMODULE = '160000'

/**
 * What a server lacks to have all of `tips`, when it has all of `known`: every object that is reachable from the one
 * and, as far as first sight tells, not from the other. May name some that it has; never leaves out one that it lacks.
 */
export async function newObjects(
  store: ObjectStore,
  tips: readonly string[],
  known: readonly string[],
): Promise<string[]> {
  const found = new Set<string>()
  const commits: string[] = []
  for (const tip of tips) commits.push(...(await peel(store, tip, found)))
  const old: string[] = []
  for (const tip of known) if (await store.holds(tip)) old.push(...(await peel(store, tip, new Set())))

  for (const commit of await newCommits(store, commits, old)) {
    found.add(commit.oid)
    const parents = await Promise.all(commit.parents.map(async (oid) => (await readCommit(store, oid)).tree))
    await newTrees(store, commit.tree, parents, found)
  }
  return [...found]
}

/** The commit that a tip names, through tags; tags on the way are collected. Other objects name no commit. */
async function peel(store: ObjectStore, tip: string, tags: Set<string>): Promise<string[]> {
  const object = await store.readAny(tip)
  if (object.type === 'commit') return [tip]
  tags.add(tip)
  return object.type === 'tag' ? peel(store, parseTag(object.body).object, tags) : []
}

/** Walks both histories in step, so that neither is walked to its root when they meet near their tips. */
async function newCommits(store: ObjectReader, tips: readonly string[], known: readonly string[]) {
  const old = new Set<string>()
  const fresh = new Map<string, { oid: string; tree: string; parents: string[] }>()
  let oldFront = [...known]
  let front = [...tips]
  while (front.length > 0) {
    oldFront = await step(store, oldFront, old)
    const next: string[] = []
    for (const oid of front) {
      if (old.has(oid) || fresh.has(oid)) continue
      const { tree, parents } = await readCommit(store, oid)
      fresh.set(oid, { oid, tree, parents })
      next.push(...parents)
    }
    front = next
  }
  return [...fresh.values()].filter(({ oid }) => !old.has(oid))
}

async function step(store: ObjectReader, front: readonly string[], seen: Set<string>): Promise<string[]> {
  const next: string[] = []
  for (const oid of front) {
    if (seen.has(oid)) continue
    seen.add(oid)
    next.push(...(await readCommit(store, oid)).parents)
  }
  return next
}

/** Adds a tree and what is below it, except what stands under the same name in one of `bases`. */
async function newTrees(
  store: ObjectReader,
  tree: string,
  bases: readonly string[],
  found: Set<string>,
): Promise<void> {
  if (found.has(tree) || bases.includes(tree)) return
  found.add(tree)
  const before = await Promise.all(bases.map(async (oid) => byName(await readTree(store, oid))))
  for (const entry of await readTree(store, tree)) {
    if (entry.mode === SUBMODULE) continue
    const same = before.map((names) => names.get(entry.name)).filter((old) => old !== undefined)
    if (same.some((old) => old.oid === entry.oid)) continue
    if (entry.mode !== DIRECTORY) found.add(entry.oid)
    else {
      const directories = same.filter((old) => old.mode === DIRECTORY)
      await newTrees(
        store,
        entry.oid,
        directories.map((old) => old.oid),
        found,
      )
    }
  }
}

function byName(entries: readonly TreeEntry[]): Map<string, TreeEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]))
}
