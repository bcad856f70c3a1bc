import { spawn } from 'node:child_process'
import { once } from 'node:events'

export type ChildFigures = { code: number; stdout: string; stderr: string; cpuMs: number; ms: number }

/**
 * Runs a program and says what it and everything that it started and waited for needed: processor time and time on the
 * clock. `time -p` of the shell sums it up.
 */
export async function childFigures(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<ChildFigures> {
  const script = 'exec 3>&2; { time -p "$0" "$@" 2>&3; } 2>&4; exit $?'
  const begun = performance.now()
  const child = spawn('bash', ['-c', script, program, ...args], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe'],
  })
  const texts = ['', '', '', '', '']
  for (const fd of [1, 2, 4]) {
    const stream = child.stdio[fd as 1]
    stream?.on('data', (chunk: Buffer) => (texts[fd] += chunk.toString()))
  }
  const [code] = (await once(child, 'close')) as [number]
  const ms = performance.now() - begun
  const seconds = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(texts[4]!)?.[1])
  const cpuMs = 1000 * (seconds('user') + seconds('sys'))
  if (Number.isNaN(cpuMs)) throw new Error(`no times in "${texts[4]}": ${texts[2]}`)
  return { code, stdout: texts[1]!, stderr: texts[2]!, cpuMs, ms }
}
