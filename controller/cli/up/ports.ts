import { createServer } from 'node:net'
import { Fault } from '../../../schemas/fault.ts'

const TRIES = 50

/** A port to listen on: exactly the one that was asked for, or the first free one from the usual one on. */
export async function choosePort(asked: number | null, usual: number, host: string): Promise<number> {
  if (asked === 0) return 0
  if (asked !== null) {
    if (await isFree(asked, host)) return asked
    throw new Fault('PORT_TAKEN', `Port ${asked} of ${host} is taken by another process.`)
  }
  for (let port = usual; port < usual + TRIES; port++) if (await isFree(port, host)) return port
  throw new Fault('PORT_TAKEN', `Ports ${usual} to ${usual + TRIES - 1} of ${host} are all taken.`)
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else
        reject(
          new Fault('CONFIG_INVALID', `Port ${port} of ${host} cannot be used: ${error.message}.`, { cause: error }),
        )
    })
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
