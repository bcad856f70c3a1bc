#!/usr/bin/env node
// Runs before anything is installed, hence plain JavaScript without dependencies: installs what the lock file names,
// compiles, and hands over. Both steps are skipped when their inputs have not changed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const MODES = {
  '--test': [
    [bin('prettier'), '--check', '--log-level', 'warn', '.'],
    [bin('oxlint'), '--type-aware', '--deny-warnings'],
    [bin('vitest'), 'run', '--config', 'vitest.gate.config.ts', '--dir', 'dist/tests/runtime/http'],
    [bin('vitest'), 'run', '--dir', 'dist/tests'],
  ],
  '--bench': [[process.execPath, join('dist', 'tests', 'bench', 'main.js')]],
  '--faults': [[process.execPath, join('dist', 'tests', 'faults', 'main.js')]],
}

const [mode, ...rest] = process.argv.slice(2)

requireNode()
once('dependencies', join(root, 'node_modules'), hashOf(['package-lock.json', 'package.json']), install)
once('program', join(root, 'dist'), hashOf(['package-lock.json', 'tsconfig.json', ...sources()]), compile)

const steps = MODES[mode]
if (steps === undefined) {
  process.argv.splice(
    1,
    process.argv.length,
    join(root, 'dist', 'controller', 'cli', 'contractor.js'),
    ...(mode === undefined ? [] : [mode, ...rest]),
  )
  await import('../../dist/controller/cli/contractor.js')
} else {
  for (const [index, [command, ...args]] of steps.entries())
    run(command, index === steps.length - 1 ? [...args, ...rest] : args, 'inherit')
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  fail(
    `contractor needs Node 20.19 or newer, and this is ${process.versions.node}. Install a newer Node and try again.`,
    2,
  )
}

function once(what, folder, hash, work) {
  const stamp = join(folder, `.contractor-${what}`)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  work()
  mkdirSync(folder, { recursive: true })
  writeFileSync(stamp, hash)
}

function install() {
  process.stderr.write('Installing dependencies from package-lock.json …\n')
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], 'quiet')
}

function compile() {
  process.stderr.write('Compiling …\n')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run(bin('tsc'), ['-p', 'tsconfig.json'], 'quiet')
}

/** Content counts and times do not, so that a checkout with equal times but other content compiles again. */
function hashOf(paths) {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0])
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  return hash.digest('hex')
}

function sources() {
  return ['schemas', 'runtime', 'controller', 'tests'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true })
          .map((path) => join(folder, path))
          .filter((path) => path.endsWith('.ts'))
          .sort()
      : [],
  )
}

function run(command, args, output) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: output === 'quiet' ? ['ignore', process.stderr, process.stderr] : 'inherit',
  })
  if (error) fail(`${command} could not be started: ${error.message}`, 2)
  if (signal) fail(`${command} was stopped by ${signal}`, 1)
  if (status !== 0) process.exit(status)
}

function fail(message, code) {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}
