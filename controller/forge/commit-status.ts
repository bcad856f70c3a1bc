/** What a forge shows beside a commit. One that comes later for the same commit and context takes its place. */
export type CommitStatus = {
  /** Oid. */
  commit: string
  context: string
  state: 'pending' | 'success' | 'failure' | 'error'
  description: string
  /** Where people find more; null for nowhere. */
  target: string | null
}

export const keyOf = ({ commit, context }: CommitStatus): string => `${commit} ${context}`
