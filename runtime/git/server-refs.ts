import { Fault } from '../../schemas/fault.ts'
import { collect, type HttpClient, type HttpLimits } from './http-client.ts'
import { DELIMITER, FLUSH, parsePktLines, pktLine, textOf } from './pkt-line.ts'
import { isReadableRef, matchesRef } from './ref-name.ts'

const MAX_REFS = 100_000
const LINE = /^([0-9a-f]{40}) ([^\s\0]+)/

/** What a server says of its refs and of what it can do. */
export type Advertisement = { refs: Map<string, string>; capabilities: ReadonlySet<string> }
/** `2` answers the question for some refs; older servers list all of them. */
type Greeting = { protocol: 2; capabilities: ReadonlySet<string> } | ({ protocol: 1 } & Advertisement)

/**
 * Lists the refs of a server below the prefixes wanted. The greeting is asked for once: from then on one request is
 * one question. A name that may not be read here is left out, as in a local repository.
 */
export function openServerRefs(client: HttpClient, wanted: readonly string[], limits: HttpLimits) {
  let greeting: Greeting | null = null
  return async (): Promise<Map<string, string>> => {
    const known = greeting
    greeting = null
    const current = known ?? (await greet(client, 'git-upload-pack', limits))
    const refs = current.protocol === 2 ? await listRefs(client, current, wanted, limits) : current.refs
    if (current.protocol === 2) greeting = current
    return new Map([...refs].filter(([ref]) => wanted.some((prefix) => matchesRef(ref, prefix))))
  }
}

/** The advertisement of `git-receive-pack`: what a push needs to know. */
export async function advertisedForPush(client: HttpClient, limits: HttpLimits): Promise<Advertisement> {
  const greeting = await greet(client, 'git-receive-pack', limits)
  if (greeting.protocol === 1) return greeting
  throw new Fault('REMOTE_INVALID', 'expected an advertisement of refs for a push')
}

async function greet(
  client: HttpClient,
  service: 'git-upload-pack' | 'git-receive-pack',
  limits: HttpLimits,
): Promise<Greeting> {
  const body = await client.request({
    method: 'GET',
    path: `/info/refs?service=${service}`,
    headers: service === 'git-upload-pack' ? { 'git-protocol': 'version=2' } : {},
    body: null,
    limits,
    repeatable: true,
    accept: `application/x-${service}-advertisement`,
  })
  const lines = [...parsePktLines(await collect(body))].filter((line) => line !== null)
  if (lines[0] !== undefined && textOf(lines[0]) === `# service=${service}`) lines.shift()
  const first = lines[0] === undefined ? '' : textOf(lines[0])
  if (first === 'version 2') {
    const capabilities = new Set(lines.slice(1).map(textOf))
    assertSha1([...capabilities])
    return { protocol: 2, capabilities }
  }
  if (first === 'version 1') lines.shift()
  const capabilities = new Set((lines[0]?.toString('utf8').split('\0')[1] ?? '').trim().split(' '))
  assertSha1([...capabilities])
  return { protocol: 1, capabilities, refs: parseRefs(lines) }
}

async function listRefs(
  client: HttpClient,
  greeting: { capabilities: ReadonlySet<string> },
  wanted: readonly string[],
  limits: HttpLimits,
): Promise<Map<string, string>> {
  const named = greeting.capabilities.has('object-format=sha1') ? [pktLine('object-format=sha1\n')] : []
  const prefixes = wanted.map((prefix) => pktLine(`ref-prefix ${prefix}\n`))
  const body = await client.request({
    method: 'POST',
    path: '/git-upload-pack',
    headers: { 'git-protocol': 'version=2', 'content-type': 'application/x-git-upload-pack-request' },
    body: Buffer.concat([pktLine('command=ls-refs\n'), ...named, DELIMITER, ...prefixes, FLUSH]),
    limits,
    repeatable: true,
    accept: 'application/x-git-upload-pack-result',
  })
  const bytes = await collect(body)
  if (!bytes.subarray(-4).equals(FLUSH)) throw new Fault('REMOTE_INVALID', 'the list of refs is cut')
  return parseRefs([...parsePktLines(bytes)].filter((line) => line !== null))
}

function parseRefs(lines: readonly Buffer[]): Map<string, string> {
  if (lines.length > MAX_REFS)
    throw new Fault('REMOTE_INVALID', `expected at most ${MAX_REFS} refs, found ${lines.length}`)
  const refs = new Map<string, string>()
  for (const line of lines) {
    const text = textOf(line)
    const [, oid, ref] = LINE.exec(text) ?? []
    if (text.startsWith('ERR '))
      throw new Fault('REMOTE_REFUSED', `the Git server says: ${JSON.stringify(text.slice(4, 200))}`)
    if (oid === undefined || ref === undefined)
      throw new Fault('REMOTE_INVALID', `expected "<oid> <ref>", found ${JSON.stringify(text.slice(0, 80))}`)
    if (isReadableRef(ref) && !/^0+$/.test(oid)) refs.set(ref, oid)
  }
  return refs
}

function assertSha1(capabilities: readonly string[]): void {
  const format = capabilities.find((each) => each.startsWith('object-format='))
  if (format !== undefined && format !== 'object-format=sha1')
    throw new Fault('REMOTE_REFUSED', `expected SHA-1 objects, the server has ${format}`)
}
