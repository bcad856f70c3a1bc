import type { Terminal } from '../terminal.ts'

export type Page = {
  tenants: number
  seconds: number
  controller: string
  runtime: string
  /** As a shell would take them: relative where that is shorter. */
  work: string
  contractor: string
  tenant: string
  apiKey: string
  question: string
  answers: { now: string; promoted: string }
}

/** One thing to do on the page: a line that a shell takes as it is, and what is seen then. */
export type Step = { title: string; command: string; seen: string }

/** The steps of the page. The first one may be run from anywhere; the second one enters the clone, and the others stay there. */
export function stepsOf({ runtime, tenant, apiKey, question, work, contractor, answers }: Page): Step[] {
  const ask = `curl -s ${runtime}/execute -H 'Content-Type: application/json' -H 'X-Tenant-Id: ${tenant}' -H 'X-Api-Key: ${apiKey}' -d '${JSON.stringify({ input: { question } })}'`
  return [
    { title: 'Ask', command: ask, seen: answers.now },
    {
      title: 'Promote',
      command: `cd ${work} && git merge --no-ff --no-edit demo/faster-card && git push`,
      seen: 'judged, sealed, signed and live',
    },
    { title: 'Ask again', command: ask, seen: answers.promoted },
    { title: 'Undo', command: 'git revert --no-edit -m 1 HEAD && git push', seen: 'the old answer again' },
    {
      title: 'Cheat',
      command: 'git merge --no-ff --no-edit demo/unapproved && git push',
      seen: 'refused; the answer stays',
    },
    {
      title: 'Take back',
      command: 'git revert --no-edit -m 1 HEAD && git push',
      seen: 'main asks again for what is live',
    },
    { title: 'Prove it', command: `${contractor} verify`, seen: 'every signature since the beginning' },
  ]
}

/** The page that `contractor up` prints once the first promotions are live and verified. */
export function formatPage(page: Page, { style }: Terminal): string {
  const done = style('green', '✔')
  const head = [
    `${done} registry  ${done} ${page.tenants} tenants live  ${done} every signature verified   ${page.seconds.toFixed(1)} s`,
    `Controller ${style('cyan', page.controller)}   Runtime ${style('cyan', page.runtime)}   Registry ${style('cyan', page.work)}`,
    '',
  ]
  const lines = stepsOf(page).flatMap(({ title, command, seen }, index) => [
    `${style('bold', `${index + 1} ${title}`)}  ${style('dim', `→ ${seen}`)}`,
    `  ${command}`,
  ])
  return [
    ...head,
    ...lines,
    '',
    style('dim', 'Below, one line for each event. Ctrl-C stops; `npm start` goes on where it stopped.'),
  ].join('\n')
}
