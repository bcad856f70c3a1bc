import { Socket } from 'node:net'
import { judgeBundle } from './evidence.ts'
import { decodeRequest, encodeOutcome } from './wire.ts'

/**
 * Entry point of the sandbox child: one request on standard input, one outcome on standard output, then it ends. It
 * has no environment, no right to write files or start processes, and no way to open a connection.
 */
Socket.prototype.connect = () => {
  throw new Error('the sandbox has no network')
}

const chunks: Buffer[] = []
for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
if (chunks.length > 0) {
  const request = decodeRequest(Buffer.concat(chunks).toString('utf8'))
  process.stdout.write(encodeOutcome(judgeBundle(request), request.files))
}
