import { compileBundle } from '../../runtime/bundle/compile.ts'
import { runSuites } from '../../runtime/engine/suites.ts'
import { largeBundle } from '../support/large-bundle.ts'

export type SuiteFigures = { cases: number; passed: number; cpuMs: number; ms: number }

const SUITES = 20
const CASES_EACH = 5_000

/** The bundle whose cases are judged, and what its cases ask. */
export function casesOf(count: number): {
  files: ReturnType<typeof largeBundle>['files']
  suites: [path: string, body: Buffer][]
} {
  const { files, intents } = largeBundle(count, 10)
  const suites = Array.from({ length: SUITES }, (_, number): [string, Buffer] => {
    const cases = Array.from({ length: CASES_EACH }, (_item, index) => {
      const { name, utterances } = intents[index % count]!
      const question = `${utterances[(number + index) % utterances.length]} please`
      return { name: `${index}`, input: { question }, expect: { intent: name } }
    })
    const suite = { suite: `many ${number}`, kind: 'routing', min_accuracy: 0.5, cases }
    return [`suites/many-${number}.json`, Buffer.from(JSON.stringify(suite))]
  })
  return { files, suites }
}

/** As a process of its own, so that one core does all of it: compiles the bundle, judges its cases, prints figures. */
function measure(intents: number): SuiteFigures {
  const { files, suites } = casesOf(intents)
  const { loaded } = compileBundle(new Map([...files, ...suites]), 1)
  const before = process.cpuUsage()
  const begun = performance.now()
  const results = runSuites(loaded, {}, { order: 'given' })
  const ms = performance.now() - begun
  const { user, system } = process.cpuUsage(before)
  const sum = (field: 'cases' | 'passed') => results.reduce((total, result) => total + result[field], 0)
  return { cases: sum('cases'), passed: sum('passed'), cpuMs: (user + system) / 1000, ms }
}

if (process.argv[1]?.endsWith('suites-measure.js') === true)
  process.stdout.write(JSON.stringify(measure(Number(process.argv[2]))))
