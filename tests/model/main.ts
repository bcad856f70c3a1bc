import { worldWith } from './commands.ts'
import { explore } from './explore.ts'
import { replayRandomWays } from './random-ways.ts'
import { replayWay } from './replay.ts'
import { SCOPES } from './scopes.ts'

const START = { seq: 4, settingsSeq: 1 }
const RUNS = 6
const LENGTH = 60

/** `npm run faults -- model [<scope>]`: explored deeper than in the tests, and replayed longer. Answers the violations. */
export async function runModel(scopeName: string): Promise<number> {
  const scopes = SCOPES.filter(({ name }) => name.startsWith(scopeName))
  const seed = Date.now() % 1_000_000
  let violations = 0
  console.log('| scope | depth | states | transitions | seconds | violations |\n| --- | --- | --- | --- | --- | --- |')
  for (const { name, rules, commands, depth } of scopes) {
    const began = performance.now()
    const found = explore(worldWith(rules, START), commands, depth.long)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    console.log(
      `| ${name} | ${found.depth} | ${found.states} | ${found.transitions} | ${seconds} | ${found.violations.length} |`,
    )
    for (const violation of found.violations) console.error(`  ${violation}`)
    violations += found.violations.length
  }
  console.log(
    `\nseed ${seed}\n| scope | ways | commands replayed | seconds | disagreements |\n| --- | --- | --- | --- | --- |`,
  )
  for (const scope of scopes) {
    const began = performance.now()
    const { ways } = explore(worldWith(scope.rules, START), scope.commands, scope.depth.short)
    let steps = 0
    let wrong = 0
    const replays = [
      ...[...ways.values()].map((way) => () => replayWay(way, scope.rules, 1)),
      ...([1, 2] as const).map(
        (controllers) => () => replayRandomWays(scope, { runs: RUNS, length: LENGTH, seed, controllers }),
      ),
    ]
    for (const replay of replays)
      steps += await replay().catch((error: unknown) => {
        wrong += 1
        console.error(error)
        return 0
      })
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    console.log(`| ${scope.name} | ${ways.size + 2 * RUNS} | ${steps} | ${seconds} | ${wrong} |`)
    violations += wrong
  }
  return violations
}
