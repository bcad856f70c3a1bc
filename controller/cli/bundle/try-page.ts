import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { listen, SERVER_LIMITS } from '../../../runtime/http/listen.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { LocalAnswer } from './ask-local.ts'

const DRAIN_MS = 500

/**
 * Serves the page of `contractor try --serve`, to this machine only. A web site that is open in the same browser can
 * neither read it nor ask: the host must be the one that was printed, and questions carry a token that only the page has.
 */
export async function serveTryPage(
  port: number,
  ask: (question: string) => Promise<LocalAnswer>,
): Promise<{ url: string; stop(): Promise<void> }> {
  const token = randomBytes(16).toString('hex')
  let host = ''
  let draining = false
  const app = createTryApp({ token, host: () => host, ask })
  const isDraining = () => draining
  const listening = await listen((request) => app.fetch(request), {
    host: '127.0.0.1',
    port,
    limits: SERVER_LIMITS,
    isDraining,
  })
  host = `127.0.0.1:${listening.port}`
  return {
    url: `http://${host}/`,
    async stop() {
      draining = true
      await listening.drain(DRAIN_MS)
    },
  }
}

export type TryAppDeps = {
  token: string
  /** `127.0.0.1:<port>` */
  host: () => string
  ask: (question: string) => Promise<LocalAnswer>
}

export function createTryApp({ token, host, ask }: TryAppDeps): Hono {
  return new Hono()
    .use(async (c, next) => {
      c.header('Cache-Control', 'no-store')
      c.header('X-Content-Type-Options', 'nosniff')
      if (c.req.header('host') === host()) return next()
      return c.text('This page is for this machine only.', 403)
    })
    .get('/', (c) => {
      const nonce = randomBytes(16).toString('hex')
      c.header(
        'Content-Security-Policy',
        `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'`,
      )
      return c.html(page(nonce, token))
    })
    .post('/ask', async (c) => {
      if (c.req.header('x-try-token') !== token) return c.json({ error: 'Open the page again.' }, 403)
      const { question } = await c.req.json<{ question?: unknown }>()
      if (typeof question !== 'string') return c.json({ error: 'A question is a text.' }, 422)
      return c.json(await ask(question))
    })
    .onError((error, c) => {
      if (!(error instanceof Fault)) return c.json({ error: 'The question could not be read.' }, 400)
      const { reason, message, findings } = error
      return c.json({ error: message, reason_code: reason, findings }, 422)
    })
}

/** Answers are put in as text, never as HTML. */
function page(nonce: string, token: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>contractor try</title>
<style nonce="${nonce}">
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #222; background: #fff }
  form { display: flex; gap: .5rem }
  input { flex: 1; font: inherit; padding: .5rem }
  button { font: inherit; padding: .5rem 1rem }
  #answer { white-space: pre-wrap; font-size: 1.2rem; margin: 1.5rem 0 .5rem }
  table { border-collapse: collapse }
  td { padding: .1rem 1rem .1rem 0 }
  @media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } }
</style>
<form><input name="question" aria-label="Question" placeholder="What would a customer ask?" autofocus autocomplete="off"><button>Ask</button></form>
<p id="answer" role="status"></p>
<table><tbody id="why"></tbody></table>
<script nonce="${nonce}">
  const answer = document.getElementById('answer')
  const why = document.getElementById('why')
  document.forms[0].addEventListener('submit', async (event) => {
    event.preventDefault()
    const question = new FormData(event.target).get('question')
    const headers = { 'Content-Type': 'application/json', 'X-Try-Token': '${token}' }
    const response = await fetch('/ask', { method: 'POST', headers, body: JSON.stringify({ question }) })
    show(await response.json())
  })
  function show({ error, findings = [], bundle, intent, outcome, routing, output }) {
    answer.textContent = error ?? (typeof output.answer === 'string' ? output.answer : JSON.stringify(output, null, 2))
    const rows = error ? findings.map(({ path, line, message }) => [path + ':' + line, message]) : [
      ['intent', intent + ' (' + outcome + ')'],
      ['score', routing.score.toFixed(3) + ', threshold ' + routing.threshold.toFixed(3)],
      ...routing.detail.contributions.map(({ word, weight }) => [word, weight.toFixed(3)]),
      ...(routing.detail.runner_up ? [['next', routing.detail.runner_up.intent + ' ' + routing.detail.runner_up.score.toFixed(3)]] : []),
      ...(routing.detail.unknown.length ? [['unknown words', routing.detail.unknown.join(', ')]] : []),
      ...(routing.detail.nearest ? [['nearest utterance', routing.detail.nearest]] : []),
      ['bundle', bundle.name + ' ' + bundle.version],
    ]
    why.replaceChildren(...rows.map((cells) => {
      const row = document.createElement('tr')
      row.append(...cells.map((text) => Object.assign(document.createElement('td'), { textContent: text })))
      return row
    }))
  }
</script>
</html>
`
}
