import type { Follower } from '../../../runtime/tenants/follow.ts'
import type { Terminal } from '../terminal.ts'

const INTERVAL_MS = 100

/** One line each time that the Runtime's standing changes. Answers how to end. */
export function followerLines(follower: Follower, terminal: Terminal): () => void {
  let told = standing(follower)
  const timer = setInterval(() => {
    const now = standing(follower)
    if (now === told) return
    told = now
    const { status, reason_code, message } = follower.status()
    const time = terminal.style('dim', new Date().toTimeString().slice(0, 8))
    const what =
      status === 'ready'
        ? terminal.style('green', 'ready')
        : terminal.style('yellow', `${status} ${reason_code ?? ''}`.trim())
    terminal.err(`${time} Runtime  ${what}${message === undefined ? '' : `  ${message}`}`)
  }, INTERVAL_MS)
  return () => clearInterval(timer)
}

function standing(follower: Follower): string {
  const { status, reason_code } = follower.status()
  return `${status} ${reason_code ?? ''}`
}
