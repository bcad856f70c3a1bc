import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { ControllerEvent, Events } from '../events.ts'
import { callerOf, maySee, type Caller, type CallerDeps } from './caller.ts'

/** Events that a slow listener may be behind before it is cut off. */
const MAX_BEHIND = 1_000
const KEEP_ALIVE_MS = 15_000

/** `GET /v1/events`: server-sent events as they happen; a tenant's key gets only what is about its tenant. */
export function eventRoutes(deps: CallerDeps & { events: Events; isDraining: () => boolean }) {
  return new Hono().get('/v1/events', (c) => {
    const caller = callerOf(c.req.raw.headers, 'registry:read', deps)
    return streamSSE(c, async (stream) => {
      const waiting: ControllerEvent[] = []
      let wake = () => {}
      const unsubscribe = deps.events.subscribe((event) => {
        const visible = visibleTo(caller, event)
        if (visible === null) return
        if (waiting.length >= MAX_BEHIND) stream.abort()
        else waiting.push(visible)
        wake()
      })
      stream.onAbort(() => wake())
      await stream.write(': connected\n\n')
      while (!stream.aborted && !deps.isDraining()) {
        const event = waiting.shift()
        if (event !== undefined) await stream.writeSSE({ event: event.type, data: JSON.stringify(event) })
        else if (!(await arrival((callback) => (wake = callback)))) await stream.write(': still here\n\n')
      }
      unsubscribe()
    })
  })
}

/** True when something came before it was time to keep the connection alive. */
function arrival(onWake: (callback: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), KEEP_ALIVE_MS)
    onWake(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function visibleTo(caller: Caller, event: ControllerEvent): ControllerEvent | null {
  if (caller.kind === 'operator') return event
  if (event.type !== 'live') return null
  const decisions = event.decisions.filter(({ subject }) => maySee(caller, tenantOf(subject)))
  return decisions.length === 0 ? null : { ...event, decisions }
}

/** The tenant that a decision is about; none of that name where it is about something else. */
function tenantOf(subject: string): string {
  const [first = '', second = ''] = subject.split('/')
  return first === 'tenants' ? second : first === 'bundles' || first === 'governance' ? '' : first
}
