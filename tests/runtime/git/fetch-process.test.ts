import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FetchJob } from '../../../runtime/git/fetch-job.ts'
import { openFetchProcess, type FetchProcessLimits } from '../../../runtime/git/fetch-process.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { bareRepository, temporaryDirectory } from '../../support/raw-git.ts'

const MIB = 1024 * 1024
const LIMITS: FetchProcessLimits = { heapMiB: 64, residentBytes: 1024 * MIB, timeoutMs: 20_000 }

function opened(limits: Partial<FetchProcessLimits>) {
  const fetcher = openFetchProcess({ ...LIMITS, ...limits })
  onTestFinished(() => fetcher.close())
  return fetcher
}

/** A server that answers every request with as many zeros as are taken. */
async function endlessServer(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' })
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(MIB)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/registry.git`
}

async function job(url: string, maxBytes: number): Promise<FetchJob> {
  return {
    url,
    authorization: null,
    wants: ['a'.repeat(40)],
    haves: [],
    objects: join(await bareRepository(), 'objects'),
    scratch: temporaryDirectory(),
    http: { stallMs: 10_000, totalMs: 20_000, maxBytes },
    pack: { maxObjects: 100, maxObjectBytes: MIB },
  }
}

describe('the process that fetches', () => {
  it('is killed when it needs more memory than it may, and another takes its place', async () => {
    const url = await endlessServer()
    const fetcher = opened({ residentBytes: 300 * MIB })
    expect(await faultReason(async () => fetcher.run(await job(url, 8192 * MIB)))).toBe('REMOTE_INVALID')
    expect(await faultReason(async () => fetcher.run(await job(url, MIB)))).toBe('REMOTE_INVALID')
  })

  it('is killed when it takes more time than it may', async () => {
    const fetcher = opened({ timeoutMs: 10 })
    expect(await faultReason(async () => fetcher.run(await job('http://127.0.0.1:1/x.git', MIB)))).toBe(
      'REMOTE_UNAVAILABLE',
    )
  })

  it('says what the job said', async () => {
    const fetcher = opened({})
    expect(await faultReason(async () => fetcher.run(await job('http://127.0.0.1:1/x.git', MIB)))).toBe(
      'REMOTE_UNAVAILABLE',
    )
  })

  it('runs nothing after it was closed', async () => {
    const fetcher = opened({})
    fetcher.warm()
    fetcher.close()
    expect(await faultReason(async () => fetcher.run(await job('http://127.0.0.1:1/x.git', MIB)))).toBe(
      'REMOTE_UNAVAILABLE',
    )
  })
})
