import { workerData } from 'node:worker_threads'

/**
 * Ends a sandbox child whose controller is gone, or that takes too long when nobody is there to kill it. It runs beside
 * the task in a thread of its own: a task that computes lets no timer of its own thread fire.
 */
const { parent, deadlineMs, begun } = workerData as { parent: number; deadlineMs: number; begun: Int32Array }

const LOOK_MS = 250

let endsAt = Infinity

setInterval(() => {
  const now = performance.now()
  if (endsAt === Infinity && Atomics.load(begun, 0) === 1) endsAt = now + deadlineMs
  if (process.ppid !== parent || now > endsAt) process.kill(process.pid, 'SIGKILL')
}, LOOK_MS)
