import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** What docs/gate/GATE_ENGINE_SPEC.md calls the gate engine, as it is compiled. */
const GATE_ENGINE = [
  'actions',
  'app',
  'authenticate',
  'exchange',
  'execute-request',
  'gate',
  'limit-policy',
  'limiter',
  'read-body',
  'request-id',
  'sliding-window',
].map((name) => `dist/runtime/http/${name}.js`)

const TESTS = ['app', 'authenticate', 'attacks', 'execute-route', 'hostile', 'limits', 'listen']

// A file that went away has no line that was not run.
const missing = GATE_ENGINE.filter((path) => !existsSync(path))
if (missing.length > 0) throw new Error(`vitest.gate.config.ts names what is not there: ${missing.join(', ')}`)

/** Runs the tests of the gate engine alone, and fails where less than nine lines in ten of any of its files were run. */
export default defineConfig({
  test: {
    include: TESTS.map((name) => `**/${name}.test.js`),
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      enabled: true,
      provider: 'v8',
      include: GATE_ENGINE,
      reporter: ['text'],
      thresholds: { perFile: true, lines: 90 },
    },
  },
})
