import { dirname } from 'node:path'

const MAX_BRANCHES = 256
/** Of each folder of tags: the next version has most in common with the last ones. */
const MAX_TAGS = 8

export function isTag(ref: string): boolean {
  return ref.startsWith('refs/tags/')
}

/**
 * Which tips a server is told of, so that it sends only what is new: the branches, and beside each new tag the newest
 * ones of its folder. Naming every tag would make each fetch as long as the history of seals, for little.
 */
export function usefulTips(refs: ReadonlyMap<string, string>, news: readonly string[]): string[] {
  const tags = [...refs.keys()].filter(isTag)
  const folders = new Set(news.filter(isTag).map((ref) => dirname(ref)))
  const beside = [...folders].flatMap((folder) =>
    tags
      .filter((ref) => dirname(ref) === folder)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .slice(-MAX_TAGS),
  )
  const branches = [...refs.keys()].filter((ref) => !isTag(ref)).slice(0, MAX_BRANCHES)
  return [...new Set([...branches, ...beside].map((ref) => refs.get(ref) ?? ''))]
}
