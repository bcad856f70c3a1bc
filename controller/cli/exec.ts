import { settingsOf, TOKEN } from '../../runtime/settings.ts'
import { Fault } from '../../schemas/fault.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { runningOf, type Running } from './home.ts'

const TIMEOUT_MS = 70_000

export const exec: CommandSpec = {
  name: 'exec',
  summary: 'ask the Runtime a question as a tenant does',
  args: [
    ['<tenant>', 'the tenant'],
    ['<question>', 'what a customer would ask'],
  ],
  options: [
    ['--runtime <url>', 'the Runtime (default: CONTRACTOR_RUNTIME_URL, or the one of `contractor up`)'],
    ['--property <name>', 'property of the input that holds the question (default: question)'],
    ['--alias <alias>', 'current or candidate (default: current)'],
    CLONE_OPTION,
  ],
  async run(call) {
    const tenant = argument(call, 0, 'tenant')
    const { url, key } = await access(call, tenant)
    const input = { [optionText(call, 'property') ?? 'question']: argument(call, 1, 'question') }
    const alias = optionText(call, 'alias') ?? 'current'
    const response = await post(`${url}/execute`, { 'X-Tenant-Id': tenant, 'X-Api-Key': key }, { input, alias })
    const { terminal } = call
    if (terminal.json || !response.ok) terminal.out(JSON.stringify(response.body, null, terminal.json ? 0 : 2))
    else terminal.out(formatAnswer(response.body))
    return response.ok ? 0 : 1
  },
}

async function access(call: Call, tenant: string): Promise<{ url: string; key: string }> {
  const url = optionText(call, 'runtime') ?? call.env['CONTRACTOR_RUNTIME_URL']
  const key = settingsOf(call.env, {}).secret('CONTRACTOR_API_KEY', TOKEN) ?? undefined
  if (url !== undefined && key !== undefined) return { url: url.replace(/\/$/, ''), key }
  const running = await embedded(call)
  const known = key ?? running?.api_keys[tenant]
  const found = url ?? running?.runtime
  if (found === undefined) throw new Fault('USAGE', 'Name the Runtime: --runtime <url> or CONTRACTOR_RUNTIME_URL.')
  if (known === undefined)
    throw new Fault('USAGE', `No key of "${tenant}" is known here. Set CONTRACTOR_API_KEY or CONTRACTOR_API_KEY_FILE.`)
  return { url: found.replace(/\/$/, ''), key: known }
}

async function embedded(call: Call): Promise<Running | null> {
  const clone = await openClone(call).catch((error: unknown) => {
    if (error instanceof Fault && error.reason === 'USAGE') return null
    throw error
  })
  return clone === null ? null : runningOf(clone)
}

type Answer = { ok: boolean; body: Record<string, unknown> }

async function post(url: string, headers: Record<string, string>, body: unknown): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return { ok: response.ok, body: (await response.json()) as Record<string, unknown> }
  } catch (error) {
    throw new Fault('REMOTE_UNAVAILABLE', `The Runtime at ${url} did not answer: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

function formatAnswer(body: Record<string, unknown>): string {
  const { bundle, intent, outcome, output } = body as {
    bundle: { name: string; version: string }
    intent: string
    outcome: string
    output: unknown
  }
  const answer = (output as { answer?: unknown }).answer
  return `${bundle.name} ${bundle.version}  ${intent}  ${outcome}\n${typeof answer === 'string' ? answer : JSON.stringify(output, null, 2)}`
}
