import type { LoadedBundle } from '../bundle/load.ts'
import type { Branch, Branching, Visit } from './template/render.ts'
import type { Statement, Template } from './template/syntax.ts'

/** What no case of any suite touches; each list is sorted. */
export type Coverage = {
  /** Intents that no case was routed to. */
  intents: string[]
  /** Templates that no case with an expected `output` rendered. */
  templates: string[]
  /** Branches that no case took, of templates that some case rendered; such as `templates/a.j2:3:4 else`. */
  branches: string[]
  /** Entities that no case was held against. */
  entities: string[]
}

/** Collects what cases touch. */
export type CoverageTrace = {
  admitted(): void
  routed(intent: string): void
  answered(intent: string): void
  visit: Visit
  untouched(): Coverage
}

export function traceCoverage({ intents, templates, contracts, ontology }: LoadedBundle): CoverageTrace {
  const touched = { intents: new Set<string>(), templates: new Set<string>(), entities: new Set<string>() }
  const visited = new Map<Branching, Set<Branch>>()
  const left = (names: Iterable<string>, seen: ReadonlySet<string>) =>
    [...names].filter((name) => !seen.has(name)).sort()
  return {
    admitted: () => touched.entities.add(ontology.routing.input),
    routed: (intent) => touched.intents.add(intent),
    answered(intent) {
      const { template, input, output = ontology.routing.output } = intents.get(intent) ?? {}
      if (template !== undefined) touched.templates.add(template)
      if (input !== undefined) touched.entities.add(input)
      touched.entities.add(output)
    },
    visit(branching, branch) {
      const branches = visited.get(branching) ?? new Set()
      visited.set(branching, branches.add(branch))
    },
    untouched: () => ({
      intents: left(intents.keys(), touched.intents),
      templates: left(templates.keys(), touched.templates),
      branches: [...templates]
        .filter(([file]) => touched.templates.has(file))
        .flatMap(([, template]) => unvisited(template, visited)),
      entities: left(contracts.keys(), touched.entities),
    }),
  }
}

function unvisited({ path, body }: Template, visited: ReadonlyMap<Branching, ReadonlySet<Branch>>): string[] {
  return branchings(body).flatMap((branching) => {
    const { line, column } = branching
    return (['body', 'otherwise'] as const)
      .filter((branch) => visited.get(branching)?.has(branch) !== true)
      .map((branch) => `${path}:${line}:${column} ${branch === 'body' ? branching.kind : 'else'}`)
  })
}

function branchings(body: readonly Statement[]): Branching[] {
  return body.flatMap((statement) =>
    statement.kind === 'if' || statement.kind === 'for'
      ? [statement, ...branchings(statement.body), ...branchings(statement.otherwise)]
      : [],
  )
}
