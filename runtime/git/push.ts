import { Fault } from '../../schemas/fault.ts'
import { durableFs } from './durable-fs.ts'
import { collect, type HttpClient, type HttpLimits } from './http-client.ts'
import { FLUSH, parsePktLines, pktLine, textOf } from './pkt-line.ts'
import type { RefUpdate } from './repository.ts'
import { advertisedForPush, type Advertisement } from './server-refs.ts'

const ZERO = '0'.repeat(40)
/** How servers say that a ref was not where the command said. Everything else that they refuse will be refused again. */
const LOST_RACE =
  /failed to update ref|already exists|stale info|fetch first|cannot lock|unable to lock|failed to lock|reference (?:already|broken)|is at [0-9a-f]{40} but expected|incorrect old value|atomic (?:push|transaction)|no such ref|remote changed/i

/**
 * One push of several refs, each with a lease: the server moves a ref only from the value named. Where it cannot do so
 * for all or none, they go one after the other, in the order given, and the first refusal ends it.
 * @param objects what goes along, by oid.
 * @throws Fault `REF_CONFLICT`, `REMOTE_REFUSED`, `REMOTE_UNAVAILABLE` (then it may have moved: look again).
 */
export async function push(
  client: HttpClient,
  gitdir: string,
  updates: readonly RefUpdate[],
  objects: readonly string[],
  limits: HttpLimits,
): Promise<void> {
  const server = await advertisedForPush(client, limits)
  assertLeases(server, updates)
  // Loaded where it is needed: most processes never push.
  const git = await import('isomorphic-git')
  const { packfile } = await git.packObjects({ fs: durableFs, gitdir, oids: [...objects] })
  const pack = Buffer.from(packfile ?? [])
  if (updates.length === 1 || server.capabilities.has('atomic')) return send(client, server, updates, pack, limits)
  for (const update of updates) await send(client, server, [update], pack, limits)
}

function assertLeases({ refs }: Advertisement, updates: readonly RefUpdate[]): void {
  for (const { ref, old } of updates) {
    const actual = refs.get(ref) ?? null
    if (actual !== old)
      throw new Fault('REF_CONFLICT', `${ref}: expected ${old ?? 'no such ref'}, the server has ${actual ?? 'none'}`)
  }
}

async function send(
  client: HttpClient,
  server: Advertisement,
  updates: readonly RefUpdate[],
  pack: Buffer,
  limits: HttpLimits,
): Promise<void> {
  const offered = ['report-status', 'atomic', 'object-format=sha1'].filter((each) => server.capabilities.has(each))
  if (!offered.includes('report-status'))
    throw new Fault('REMOTE_REFUSED', 'the Git server does not say whether a push succeeded (report-status)')
  const capabilities = offered.filter((each) => each !== 'atomic' || updates.length > 1).join(' ')
  const commands = updates.map(({ ref, old, new: value }, i) =>
    pktLine(`${old ?? ZERO} ${value ?? ZERO} ${ref}${i === 0 ? `\0 ${capabilities} agent=git/contractor` : ''}`),
  )
  const deletesOnly = updates.every(({ new: value }) => value === null)
  const body = await client.request({
    method: 'POST',
    path: '/git-receive-pack',
    headers: { 'content-type': 'application/x-git-receive-pack-request' },
    body: Buffer.concat([...commands, FLUSH, ...(deletesOnly ? [] : [pack])]),
    limits,
    repeatable: false,
    accept: 'application/x-git-receive-pack-result',
  })
  assertReported(await collect(body), updates)
}

function assertReported(report: Buffer, updates: readonly RefUpdate[]): void {
  const lines = [...parsePktLines(report)].filter((line) => line !== null).map(textOf)
  if (lines[0] !== 'unpack ok')
    throw new Fault('REMOTE_REFUSED', `the Git server could not take the objects: ${shown(lines[0] ?? 'no report')}`)
  const refusals = new Map<string, string>()
  for (const line of lines) {
    const [, ref, why] = /^ng (\S+) (.*)$/.exec(line) ?? []
    if (ref !== undefined) refusals.set(ref, why ?? '')
  }
  for (const { ref } of updates)
    if (!lines.includes(`ok ${ref}`) && !refusals.has(ref)) refusals.set(ref, 'it was not reported')
  const [first] = [...refusals].sort(([, a], [, b]) => Number(/atomic/.test(a)) - Number(/atomic/.test(b)))
  if (first === undefined) return
  const [ref, why] = first
  throw new Fault(LOST_RACE.test(why) ? 'REF_CONFLICT' : 'REMOTE_REFUSED', `${ref}: the Git server says: ${shown(why)}`)
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
