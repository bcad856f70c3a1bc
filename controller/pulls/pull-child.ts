import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { openObjectStore } from '../../runtime/git/object-store.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { judgeBundle } from '../gates/evidence.ts'
import { judgePull } from './judge-pull.ts'
import { NOTHING_TO_MERGE, pullVerdict, type PullVerdict } from './pull-verdict.ts'

/** What the child is told on standard input, as JSON. */
export type PullJob = { objects: string; root: Root; live: string; main: string; head: string; now: string }

/**
 * Entry point of the process in which the head of a pull request is judged. It reads one folder of Git objects and its
 * own code; it has no environment, no right to write files or start processes, and no way to open a connection.
 */
Socket.prototype.connect = () => {
  throw new Error('the sandbox has no network')
}

const [parent, deadlineMs] = process.argv.slice(2).map(Number)
const begun = new Int32Array(new SharedArrayBuffer(4))
const end = new Worker(new URL('../gates/sandbox-end.js', import.meta.url), {
  workerData: { parent, deadlineMs, begun },
  resourceLimits: { maxOldGenerationSizeMb: 8 },
})
end.unref()

const chunks: Buffer[] = []
for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
Atomics.store(begun, 0, 1)
const { objects, now, ...asked } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as PullJob
const store = openObjectStore(objects)
const gates = {
  judge: async (request: Parameters<typeof judgeBundle>[0]) => judgeBundle(request),
  stop: async () => {},
}
process.stdout.write(JSON.stringify(await verdict()))
await store.close()

async function verdict(): Promise<PullVerdict> {
  try {
    const result = await judgePull(store, gates, { ...asked, now: new Date(now) })
    return result === null ? NOTHING_TO_MERGE : pullVerdict(result)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const isOurs = error.reason === 'OBJECT_MISSING' || error.reason === 'OBJECT_CORRUPT'
    return { state: isOurs ? 'error' : 'failure', description: `${error.reason}: ${error.message}` }
  }
}
