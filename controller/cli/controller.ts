import { readControllerConfig } from '../config.ts'
import { openEvents } from '../events.ts'
import { startController } from '../start.ts'
import type { CommandSpec } from './command.ts'
import { settingsOfCall, settingOptions, untilStopped } from './settings-options.ts'
import { controllerEventLines } from './up/event-lines.ts'

const SETTINGS = {
  registry: ['CONTRACTOR_REGISTRY', '<location>', 'path of the bare repository, or its http(s) URL'],
  trust: ['CONTRACTOR_TRUST', '<root.json>', 'the pinned root'],
  keys: ['CONTRACTOR_KEYS', '<dir>', 'folder of the private keys controller and heartbeat'],
  state: ['CONTRACTOR_STATE_DIR', '<dir>', 'folder of what it remembers'],
  host: ['CONTRACTOR_HOST', '<host>', 'address to listen on (default: 127.0.0.1)'],
  port: ['CONTRACTOR_CONTROLLER_PORT', '<port>', 'port to listen on (default: 7070)'],
  poll: ['CONTRACTOR_POLL_INTERVAL_MS', '<ms>', 'how often to look at the registry'],
} as const

export const controller: CommandSpec = {
  name: 'controller',
  summary: 'run the controller on a registry: judge `main`, write `live`',
  options: settingOptions(SETTINGS),
  async run(call) {
    const { terminal } = call
    const events = openEvents(() => new Date())
    events.subscribe((event) => {
      if (terminal.json) terminal.out(JSON.stringify(event))
      else for (const line of controllerEventLines(event, terminal)) terminal.out(line)
    })
    const running = await startController(readControllerConfig(call.env, settingsOfCall(call, SETTINGS)), { events })
    terminal.err(`controller ${running.url}`)
    await untilStopped()
    await running.stop()
    return 0
  },
}
