import { PACKAGE_VERSION } from '../../schemas/package-root.ts'
import { tellable } from '../promotion/tellable.ts'
import type { CommitStatus } from './commit-status.ts'
import type { ForgeKind } from './forge.ts'

/** A project as its forge names it: `owner/name`; of GitLab also `group/subgroup/name` or its number. */
export type ForgeProject = { kind: ForgeKind; project: string }

export type StatusRequest = { path: string; headers: Record<string, string>; body: string }

/** GitHub refuses more; the others take it, and people read no more. */
const MAX_DESCRIPTION = 140

const GITLAB_STATES = { pending: 'pending', success: 'success', failure: 'failed', error: 'failed' } as const

/** The request that sets a status, below the base of the forge's API. Pure. */
export function statusRequest({ kind, project }: ForgeProject, token: string, status: CommitStatus): StatusRequest {
  const { commit, state, context } = status
  const description = tellable(status.description, MAX_DESCRIPTION)
  const target = status.target === null ? {} : { target_url: status.target }
  const json = { 'content-type': 'application/json', 'user-agent': `contractor/${PACKAGE_VERSION}` }
  const ofRepository = `/repos/${project.split('/').map(encodeURIComponent).join('/')}/statuses/${commit}`
  switch (kind) {
    case 'github':
      return {
        path: ofRepository,
        headers: {
          ...json,
          accept: 'application/vnd.github+json',
          'x-github-api-version': '2022-11-28',
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify({ state, context, description, ...target }),
      }
    case 'gitea':
      return {
        path: ofRepository,
        headers: { ...json, accept: 'application/json', authorization: `token ${token}` },
        body: JSON.stringify({ state, context, description, ...target }),
      }
    case 'gitlab':
      return {
        path: `/projects/${encodeURIComponent(project)}/statuses/${commit}`,
        headers: { ...json, accept: 'application/json', 'private-token': token },
        body: JSON.stringify({ state: GITLAB_STATES[state], name: context, description, ...target }),
      }
    default:
      return kind satisfies never
  }
}
