import type { LoadedBundle } from '../bundle/load.ts'

/** What no case of any suite touches; each list is sorted. */
export type Coverage = {
  /** Intents that no case was routed to. */
  intents: string[]
  /** Templates that no case with an expected `output` rendered. */
  templates: string[]
  /** Entities that no case was held against. */
  entities: string[]
}

/** Collects what cases touch. */
export type CoverageTrace = {
  admitted(): void
  routed(intent: string): void
  answered(intent: string): void
  untouched(): Coverage
}

export function traceCoverage({ intents, templates, contracts, ontology }: LoadedBundle): CoverageTrace {
  const touched = { intents: new Set<string>(), templates: new Set<string>(), entities: new Set<string>() }
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
    untouched: () => ({
      intents: left(intents.keys(), touched.intents),
      templates: left(templates.keys(), touched.templates),
      entities: left(contracts.keys(), touched.entities),
    }),
  }
}
