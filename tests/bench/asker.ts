import { ask } from '../support/execute.ts'

/** What the tenant's service is told to wait for, and its answer: when it came, in milliseconds of the epoch. */
export type Wanted = { version: string; everyMs: number }

const [runtime, tenant, api_key, question] = process.argv.slice(2) as [string, string, string, string]
const GIVE_UP_MS = 30_000

/** A tenant's service in a process of its own: asks at a steady pace until a version answers, and says when. */
async function waitFor({ version, everyMs }: Wanted): Promise<number> {
  const ends = performance.now() + GIVE_UP_MS
  for (let due = performance.now(); due < ends; due = Math.max(due + everyMs, performance.now())) {
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
    const { body } = await ask(runtime, { tenant, api_key }, question)
    if (body.bundle?.version === version) return performance.timeOrigin + performance.now()
  }
  throw new Error(`${version} never came`)
}

process.on('message', (wanted: Wanted) => {
  void waitFor(wanted).then((at) => process.send?.({ at }))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
