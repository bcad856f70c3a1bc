export const FORGES = ['github', 'gitlab', 'gitea'] as const
/** The kinds of Git hosts whose webhooks and commit statuses are known. */
export type ForgeKind = (typeof FORGES)[number]
