import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Ended } from './machine.ts'
import type { Scenario, Task } from './scenario.ts'

const INJECT = new URL('./inject.js', import.meta.url).href
const PROGRAM = fileURLToPath(new URL('./process-program.js', import.meta.url))

/** Runs the program of a scenario in a process of its own, which a fault ends for good. */
export async function runProcess(
  { name }: Scenario,
  { folder, url, tell }: Task,
  env: Record<string, string>,
  patienceMs: number,
): Promise<Ended<number>> {
  const child = spawn(process.execPath, ['--import', INJECT, PROGRAM, name, folder, url], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, patienceMs)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => tell(chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  clearTimeout(timer)
  const met = metIn(env['FAULT_MET'] ?? '')
  if (isLate) return { end: 'hung', met }
  return code === null ? { end: 'down', met } : { end: 'returned', value: code, met }
}

function metIn(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
