import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../../schemas/fault.ts'
import type { Terminal } from '../terminal.ts'
import { stepsOf, type Page } from './page.ts'
import { askRuntime, snippetOf } from './question.ts'

const PATIENCE_MS = 20_000
const INTERVAL_MS = 10

/** Puts a commit on `live` that the controller's key did not sign, as somebody with push rights could. */
const FORGE =
  'git fetch -q origin live && git push -q origin "$(git commit-tree -p FETCH_HEAD -m \'promote acme/current\' "FETCH_HEAD^{tree}")":refs/heads/live'

/** Runs the commands of the page visibly by itself, with the times that were measured, up to a forged `live`. */
export async function runDemo(page: Page, workFolder: string, terminal: Terminal): Promise<void> {
  const [ask, promote, , undo, cheat, takeBack, prove] = stepsOf(page)
  const version = async () => snippetOf(await askRuntime(page))
  const before = await version()
  const tell = (text: string) => terminal.out(text)
  const run = async (title: string, command: string) => {
    tell(`\n${terminal.style('bold', title)}\n${terminal.style('dim', '$')} ${command}`)
    const output = await runShell(command, workFolder)
    if (output !== '') tell(indented(output))
  }

  await run('1 Ask', ask!.command)
  await run('2 Promote', inClone(promote!.command))
  tell(`  → ${await timed(version, (now) => now !== before)}`)
  await run('3 Ask again', ask!.command)
  await run('4 Undo', undo!.command)
  tell(`  → ${await timed(version, (now) => now === before)}`)
  await run('5 Cheat', cheat!.command)
  await run('  What the controller said', `${page.contractor} wait ${page.tenant} || true`)
  await run('  What customers get', ask!.command)
  const live = () => runShell('git ls-remote origin refs/heads/live', workFolder)
  const honest = await live()
  await run('  Forge a commit on live', FORGE)
  tell(
    `  → ${await timed(
      async () => ((await live()) === honest ? 'put back' : 'forged'),
      (now) => now === 'put back',
    )}`,
  )
  await run('  What customers get', ask!.command)
  tell(
    `  → the Runtime: ${await timed(
      () => readiness(page),
      (now) => now.startsWith('ready'),
    )}`,
  )
  await run('6 Take back', takeBack!.command)
  await run('7 Prove it', prove!.command)
}

function inClone(command: string): string {
  return command.slice(command.indexOf('&&') + 3)
}

async function readiness({ runtime }: Page): Promise<string> {
  const { status, reason_code } = (await (await fetch(`${runtime}/readyz`)).json()) as {
    status: string
    reason_code?: string
  }
  return reason_code === undefined ? status : `${status}, ${reason_code}`
}

async function timed(look: () => Promise<string>, done: (now: string) => boolean): Promise<string> {
  const started = performance.now()
  for (;;) {
    const now = await look()
    const ms = Math.round(performance.now() - started)
    if (done(now)) return `${now} after ${ms} ms`
    if (ms > PATIENCE_MS)
      throw new Fault('UNDECIDED', `The demo waited ${PATIENCE_MS / 1000} s and still saw "${now}".`)
    await sleep(INTERVAL_MS)
  }
}

function runShell(command: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer) => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(output.trim())
      else reject(new Fault('INTERNAL', `The demo's command ended with ${code}: ${command}\n${output}`))
    })
  })
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
}
