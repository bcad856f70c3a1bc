import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'
import { PATH_SEGMENT } from '../../../schemas/names.ts'
import type { Expectation, Suite, SuiteCase } from '../../../schemas/registry/suite.ts'
import type { LocalAnswer } from './ask-local.ts'
import type { Clone } from '../clone/clone.ts'
import { appendItem } from './json-text.ts'
import type { LocalBundle } from './local-bundle.ts'
import { readFile } from 'node:fs/promises'

const MAX_NAME_CHARS = 300

/**
 * Adds a question to a suite, expecting what `intent` says should have answered, or else what answers now: the output
 * too in a golden suite, the outcome alone in a threshold suite. A suite that is not there yet becomes a routing suite.
 * Returns the path of the suite and the case.
 * @throws Fault `USAGE` for an intent or suite that cannot be
 */
export async function saveCase(
  clone: Clone,
  { name, parsed }: LocalBundle,
  asked: { suite: string; question: string; answer: LocalAnswer; intent: string | undefined },
): Promise<{ path: string; added: SuiteCase }> {
  const { intents, fallback, routing } = parsed.ontology
  if (asked.intent !== undefined && !intents.some((intent) => intent.name === asked.intent)) {
    const known = intents.map((intent) => intent.name).join(', ')
    throw new Fault('USAGE', `--intent: ${name} has no intent "${asked.intent}". It has: ${known}.`)
  }
  const [path, suite] = findSuite(parsed.suites, asked.suite)
  const expected = asked.intent ?? asked.answer.intent
  const added: SuiteCase = {
    name: freeName(asked.question, suite),
    input: { [routing.question]: asked.question },
    expect: expectation(suite?.kind ?? 'routing', expected, fallback, asked.answer),
  }
  const file = join(clone.root, `bundles/${name}/${path}`)
  const text =
    suite === null
      ? `${JSON.stringify({ suite: asked.suite, kind: 'routing', cases: [added] }, null, 2)}\n`
      : appendItem(await readFile(file, 'utf8'), ['cases'], added)
  await writeFile(file, text, { flag: suite === null ? 'wx' : 'w' })
  return { path: `bundles/${name}/${path}`, added }
}

function findSuite(suites: ReadonlyMap<string, Suite>, wanted: string): [path: string, suite: Suite | null] {
  const found = [...suites].find(([path, { suite }]) => suite === wanted || path === `suites/${wanted}.json`)
  if (found !== undefined) return found
  if (PATH_SEGMENT.test(`${wanted}.json`)) return [`suites/${wanted}.json`, null]
  throw new Fault('USAGE', `--save: "${wanted}" is no suite, and cannot be the name of a file for a new one.`)
}

function expectation(kind: Suite['kind'], intent: string, fallback: string, answer: LocalAnswer): Expectation {
  const outcome = intent === fallback ? 'fallback' : 'answered'
  if (kind === 'threshold') return { outcome }
  if (kind === 'golden' && intent === answer.intent) return { intent, output: answer.output }
  return intent === fallback ? { outcome } : { intent }
}

/** The question in lower case, with a number where a case has that name already. */
function freeName(question: string, suite: Suite | null): string {
  const base = question
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_NAME_CHARS - 8)
  const taken = new Set(suite?.cases.map((one) => one.name))
  let name = base
  for (let number = 2; taken.has(name); number += 1) name = `${base} (${number})`
  return name
}
