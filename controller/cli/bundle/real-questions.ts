import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Probe } from '../../../runtime/engine/probes.ts'
import { Fault } from '../../../schemas/fault.ts'

const MAX_LINES = 1_000_000

/**
 * Questions that a team exported itself, one JSON object a line: a body of `POST /execute`, or the input alone. They
 * stay in memory; a probe names its line and nothing else.
 * @throws Fault `USAGE` for a line that is no such object
 */
export async function readQuestions(path: string): Promise<Probe[]> {
  const probes: Probe[] = []
  let number = 0
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number += 1
      if (number > MAX_LINES) throw new Fault('USAGE', `${path} has more than ${MAX_LINES} lines.`)
      if (line.trim() !== '') probes.push({ input: inputOf(line, path, number), from: `line ${number}` })
    }
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('USAGE', `${path} cannot be read: ${(error as Error).message}.`, { cause: error })
  }
  if (probes.length > 0) return probes
  throw new Fault('USAGE', `${path} holds no questions.`)
}

function inputOf(line: string, path: string, number: number): Record<string, unknown> {
  const value = parsed(line)
  const input = isObject(value) && isObject(value['input']) ? value['input'] : value
  if (isObject(input)) return input
  throw new Fault('USAGE', `${path}:${number}: expected {"input": {"question": "…"}} or {"question": "…"}.`)
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
