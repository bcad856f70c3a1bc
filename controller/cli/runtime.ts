import { readRuntimeConfig } from '../../runtime/config.ts'
import { startConfigured } from '../../runtime/start-configured.ts'
import type { CommandSpec } from './command.ts'
import { settingsOfCall, settingOptions, untilStopped } from './settings-options.ts'

const SETTINGS = {
  settings: ['CONTRACTOR_SETTINGS', '<file>', 'settings as NAME=value lines, read again at SIGHUP'],
  registry: ['CONTRACTOR_REGISTRY', '<location>', 'path of the repository, or its http(s) URL'],
  trust: ['CONTRACTOR_TRUST', '<root.json>', 'the pinned root'],
  state: ['CONTRACTOR_STATE_DIR', '<dir>', 'folder of the last accepted head and of bundles'],
  audit: ['CONTRACTOR_AUDIT_DIR', '<dir>', 'folder of the audit log'],
  node: ['CONTRACTOR_NODE', '<name>', 'name of this Runtime in audit records (default: the host)'],
  host: ['CONTRACTOR_HOST', '<host>', 'address to listen on (default: 127.0.0.1)'],
  port: ['CONTRACTOR_RUNTIME_PORT', '<port>', 'port to listen on (default: 8080)'],
  workers: ['CONTRACTOR_WORKERS', '<n>', 'processes that answer (default: 1)'],
  poll: ['CONTRACTOR_POLL_INTERVAL_MS', '<ms>', 'how often to look at the registry'],
} as const

export const runtime: CommandSpec = {
  name: 'runtime',
  summary: 'run a Runtime: follow the verified `live`, answer POST /execute',
  options: settingOptions(SETTINGS),
  async run(call) {
    const running = await startConfigured(() => readRuntimeConfig(call.env, settingsOfCall(call, SETTINGS)))
    call.terminal.err(`runtime ${running.url}`)
    await untilStopped()
    await running.stop()
    return 0
  },
}
