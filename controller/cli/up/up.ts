import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'
import type { RunningController } from '../../start.ts'
import { optionNumber, optionText, type Call, type CommandSpec } from '../command.ts'
import type { Running } from '../home.ts'
import { untilStopped } from '../settings-options.ts'
import type { Terminal } from '../terminal.ts'
import { runDemo } from './demo.ts'
import { controllerEventLines } from './event-lines.ts'
import { homeAt, type Home } from './home.ts'
import { startInstallation, type Installation } from './installation.ts'
import { formatPage, type Page } from './page.ts'
import { APPROVER, AUTHOR } from './people.ts'
import { choosePort } from './ports.ts'
import { askRuntime, snippetOf } from './question.ts'
import { followerLines } from './runtime-lines.ts'
import { writeCommand } from './work-clone.ts'

const HOST = '127.0.0.1'
const TENANT = 'acme'
const QUESTION = 'When will my card arrive?'
const PROMOTED = 'v1.2.0 "…2 to 3 days…"'

export const up: CommandSpec = {
  name: 'up',
  summary: 'run a registry, a controller and a Runtime on this machine, with an example to try',
  options: [
    ['--dir <folder>', 'where everything is kept (default: CONTRACTOR_HOME, or ./.contractor)'],
    ['--port <port>', 'port of the controller; 0 takes any free one (default: 7070, or the next free one)'],
    ['--runtime-port <port>', 'port of the Runtime; 0 takes any free one (default: 8080, or the next free one)'],
    ['--demo', 'run the commands of the page by itself, with measured times, and end'],
  ],
  async run(call) {
    const { terminal } = call
    const started = performance.now()
    const home = homeAt(resolve(call.cwd, optionText(call, 'dir') ?? call.env['CONTRACTOR_HOME'] ?? '.contractor'))
    await refuseSecond(home)
    const ports = { controller: await portOf(call, 'port', 7070), runtime: await portOf(call, 'runtimePort', 8080) }
    const stopped = untilStopped()
    const follow = ({ events }: RunningController) => {
      if (!terminal.json) events.subscribe((event) => controllerEventLines(event, terminal).forEach(terminal.err))
    }
    const installation = await startInstallation(home, ports, follow, call.env)
    const contractor = await writeCommand(home)
    await writeFile(home.running, JSON.stringify(runningOf(installation)), { mode: 0o600 })
    try {
      const page = await pageOf(call, home, installation, contractor, (performance.now() - started) / 1000)
      if (terminal.json) terminal.out(JSON.stringify(upLine(home, installation)))
      else terminal.out(`\n${formatPage(page, terminal)}\n`)
      if (call.options['demo'] === true) await runDemo(page, home.work, terminal)
      else await streamUntil(stopped, installation, terminal)
    } finally {
      await rm(home.running, { force: true })
      await installation.stop()
    }
    return 0
  },
}

async function refuseSecond(home: Home): Promise<void> {
  if (!existsSync(home.running)) return
  const { pid } = JSON.parse(await readFile(home.running, 'utf8')) as Running
  if (isAlive(pid))
    throw new Fault(
      'USAGE',
      `\`contractor up\` already runs on ${home.folder} as process ${pid}. Stop it, or choose another folder with --dir.`,
    )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

function portOf(call: Call, option: 'port' | 'runtimePort', usual: number): Promise<number> {
  const asked =
    optionText(call, option) === undefined ? null : optionNumber(call, option, { min: 0, max: 65_535, preset: usual })
  return choosePort(asked, usual, HOST)
}

function runningOf({ controller, runtime, secrets }: Installation): Running {
  return { pid: process.pid, controller: controller.url, runtime: runtime.url, ...secrets }
}

function upLine(home: Home, { controller, runtime, secrets }: Installation) {
  return {
    registry: home.work,
    controller: controller.url,
    runtime: runtime.url,
    root: home.root,
    allowed_signers: home.allowedSigners,
    demo: {
      tenant: TENANT,
      api_key: secrets.api_keys[TENANT],
      operator_key: secrets.operator_key,
      question: QUESTION,
      author: { name: AUTHOR.name, email: AUTHOR.email },
      approver: APPROVER.id,
      approver_key: join(home.keys, 'approver'),
    },
  }
}

async function pageOf(
  call: Call,
  home: Home,
  { controller, runtime, secrets }: Installation,
  contractor: string,
  seconds: number,
): Promise<Page> {
  const apiKey = secrets.api_keys[TENANT]!
  const answer = await askRuntime({ runtime: runtime.url, tenant: TENANT, apiKey, question: QUESTION })
  const inside = relative(call.cwd, home.work)
  return {
    tenants: controller.head().state.tenants.size,
    seconds,
    controller: controller.url,
    runtime: runtime.url,
    work: inside.startsWith('..') ? home.work : inside,
    contractor,
    tenant: TENANT,
    apiKey,
    question: QUESTION,
    answers: { now: snippetOf(answer), promoted: PROMOTED },
  }
}

async function streamUntil(stopped: Promise<void>, { runtime }: Installation, terminal: Terminal): Promise<void> {
  const stop = terminal.json ? () => {} : followerLines(runtime.follower, terminal)
  await stopped
  stop()
  if (!terminal.json) terminal.err('stopping …')
}
