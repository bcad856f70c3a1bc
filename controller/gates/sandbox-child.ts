import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { loadBundle } from '../../runtime/bundle/load.ts'
import { runSuites } from '../../runtime/engine/suites.ts'
import { judgeBundle } from './evidence.ts'
import { valuesProblems } from './values.ts'
import { decodeTask, encodeOutcome, type Task } from './wire.ts'

/**
 * Entry point of the sandbox child: one task on standard input, one answer on standard output, then it ends. It has no
 * environment, no right to write files or start processes, and no way to open a connection. Arguments: the process that
 * started it, and how many milliseconds a task may take.
 */
Socket.prototype.connect = () => {
  throw new Error('the sandbox has no network')
}

const [parent, deadlineMs] = process.argv.slice(2).map(Number)
const begun = new Int32Array(new SharedArrayBuffer(4))
const end = new Worker(new URL('sandbox-end.js', import.meta.url), {
  workerData: { parent, deadlineMs, begun },
  resourceLimits: { maxOldGenerationSizeMb: 8 },
})
end.unref()

const chunks: Buffer[] = []
for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
if (chunks.length > 0) {
  Atomics.store(begun, 0, 1)
  process.stdout.write(answerTo(decodeTask(Buffer.concat(chunks).toString('utf8'))))
}

function answerTo(task: Task): string {
  switch (task.kind) {
    case 'judge':
      return encodeOutcome(judgeBundle(task.request, 'elsewhere'), task.request.files)
    case 'repeat':
      return JSON.stringify(runSuites(loadBundle(task.files), {}, { order: 'reversed' }))
    case 'values':
      return JSON.stringify(valuesProblems(loadBundle(task.files), task.values))
    default:
      return task satisfies never
  }
}
