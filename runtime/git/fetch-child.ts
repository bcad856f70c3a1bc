import { Fault } from '../../schemas/fault.ts'
import { runFetchJob, type FetchJob } from './fetch-job.ts'

/** The process in which everything that a Git server sends is read first (see `fetch-process.ts`). */
process.on('message', (job: FetchJob) => {
  runFetchJob(job).then(
    (fetched) => process.send?.({ kind: 'fetched', fetched }),
    (error: unknown) => {
      const { reason, message } = error instanceof Fault ? error : { reason: null, message: String(error) }
      const retryAfterS = error instanceof Fault ? error.retryAfterS : undefined
      process.send?.({ kind: 'failed', reason, message, retryAfterS })
    },
  )
})
process.on('disconnect', () => process.exit(0))
