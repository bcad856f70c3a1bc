import type { HttpClient as GitHttpPlugin } from 'isomorphic-git'
import { collect, type HttpClient, type HttpLimits } from './http-client.ts'
import { FLUSH, pktLine } from './pkt-line.ts'

const SERVICE = 'git-upload-pack'
const CAPABILITIES = 'multi_ack_detailed no-done side-band-64k ofs-delta object-format=sha1'

/**
 * The `http` of isomorphic-git for one fetch. Which refs the server has is already known and judged: the question is
 * answered from here, with the tips that are wanted and no others. What goes to the server is the request for the pack,
 * and its answer is handed over only when it came whole and within its limits.
 */
export function uploadPackPlugin(client: HttpClient, wants: readonly string[], limits: HttpLimits): GitHttpPlugin {
  const headers = (kind: string) => ({ 'content-type': `application/x-${SERVICE}-${kind}` })
  return {
    async request({ url, method = 'GET', body }) {
      const answer = { url, method, statusCode: 200, statusMessage: 'OK' }
      if (method === 'GET') return { ...answer, headers: headers('advertisement'), body: once(advertisement(wants)) }
      const stream = await client.request({
        method: 'POST',
        path: `/${SERVICE}`,
        headers: headers('request'),
        body: await collect(body ?? once(Buffer.alloc(0))),
        limits,
        repeatable: true,
        accept: headers('result')['content-type'],
      })
      return { ...answer, headers: headers('result'), body: once(await collect(stream)) }
    },
  }
}

function advertisement(wants: readonly string[]): Buffer {
  // isomorphic-git looks for HEAD among the refs.
  const head = pktLine(`${wants[0]} HEAD\0${CAPABILITIES}\n`)
  const refs = [head, ...wants.map((oid, i) => pktLine(`${oid} refs/heads/want-${i}\n`))]
  return Buffer.concat([pktLine(`# service=${SERVICE}\n`), FLUSH, ...refs, FLUSH])
}

async function* once(bytes: Uint8Array): AsyncIterableIterator<Uint8Array> {
  yield bytes
}
