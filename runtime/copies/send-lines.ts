import { CopyFailure, type Send } from './copied.ts'

/** Lines on a stream, such as standard output. */
export function sendToStream(stream: NodeJS.WritableStream): Send {
  // A stream whose reader went away says so twice; the write that failed is enough.
  stream.on('error', () => undefined)
  return (batch) =>
    new Promise((resolve, reject) => {
      const text = batch.map(({ line }) => `${line}\n`).join('')
      stream.write(text, (error) => {
        if (error === null || error === undefined) resolve()
        else reject(new CopyFailure('later', `the stream does not take lines: ${error.message}`))
      })
    })
}
