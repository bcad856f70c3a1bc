import { OPERATOR_KEY, settingsOf } from '../../runtime/settings.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Fleet, RuntimeView } from '../../schemas/http/fleet.ts'
import type { Clone } from './clone/clone.ts'
import { optionText, type Call } from './command.ts'
import { runningOf } from './home.ts'

export const CONTROLLER_OPTION = [
  '--controller <url>',
  'the controller that is asked (default: that of `contractor up`; needs CONTRACTOR_OPERATOR_KEY)',
] as const

const TIMEOUT_MS = 5_000
/** A Runtime reports every 30 s; one that was not heard of for longer than two of them is away. */
const AWAY_S = 75

/** What the Runtimes reported to the controller. @throws Fault `USAGE`, `FORBIDDEN`, `REMOTE_UNAVAILABLE` */
export async function askFleet(call: Call, clone: Clone): Promise<Fleet> {
  const named = optionText(call, 'controller') ?? call.env['CONTRACTOR_CONTROLLER_URL']
  const given = settingsOf(call.env, {}).secret('CONTRACTOR_OPERATOR_KEY', OPERATOR_KEY)
  const running = named === undefined || given === null ? await runningOf(clone) : null
  const [url, key] = [named ?? running?.controller, given ?? running?.operator_key]
  if (url === undefined) throw new Fault('USAGE', '--fleet asks a controller: name it with --controller <url>.')
  if (key === undefined) throw new Fault('USAGE', '--fleet needs the operator key: set CONTRACTOR_OPERATOR_KEY.')
  const target = `${url.replace(/\/+$/, '')}/v1/runtimes`
  const init = { headers: { 'X-Api-Key': key }, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) } as const
  const response = await fetch(target, init).catch((error: unknown) => {
    throw new Fault('REMOTE_UNAVAILABLE', `${target} does not answer.`, { cause: error })
  })
  if (!response.ok) throw new Fault('FORBIDDEN', `${target} answered ${response.status}.`)
  return (await response.json()) as Fleet
}

/** Whether a Runtime was heard of lately. */
export const isPresent = ({ age_s }: RuntimeView): boolean => age_s !== null && age_s <= AWAY_S

/**
 * Whether every Runtime that was heard of lately follows `seq`, with the bundle of this digest; false while there is
 * none.
 * @throws Fault of the reason for which one of them refuses to serve it
 */
export function isServedByAll({ runtimes }: Fleet, seq: number, digest: string): boolean {
  const present = runtimes.filter(isPresent)
  for (const { node, serves } of present) {
    const reason = serves === null || serves.seq < seq ? undefined : serves.refused[digest]
    if (reason !== undefined) throw new Fault('UNDECIDED', `${node} refuses to serve ${digest}: ${reason}.`)
  }
  return present.length > 0 && present.every(({ serves }) => serves !== null && serves.seq >= seq)
}

/** Rows for people, with their heads. */
export function fleetRows({ runtimes }: Fleet): string[][] {
  const head = ['NODE', 'LOG', 'STATUS', 'SEQ', 'BUNDLES', 'RECORDS', 'ANCHORED', 'HEARD']
  const ago = (seconds: number | null) => (seconds === null ? 'never' : `${Math.round(seconds)} s ago`)
  const rows = runtimes.map((view) => [
    view.node,
    view.origin.split('/').at(-1) ?? '',
    statusOf(view),
    view.serves === null ? '' : String(view.serves.seq),
    view.serves === null ? '' : String(Object.keys(view.serves.digests).length),
    String(view.size),
    ago(view.checkpoint_age_s),
    ago(view.age_s),
  ])
  return [head, ...rows]
}

function statusOf(view: RuntimeView): string {
  if (view.trouble !== null) return view.trouble.reason_code
  if (view.serves === null || !isPresent(view)) return 'away'
  const { status, reason_code } = view.serves
  return reason_code === undefined ? status : `${status} ${reason_code}`
}
