import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SuiteResult } from '../../../runtime/engine/suites.ts'
import type { Clone } from '../clone/clone.ts'
import { replaceValue } from './json-text.ts'
import type { LocalBundle } from './local-bundle.ts'

/** An expected output that is not what the bundle answers. */
export type GoldenUpdate = { path: string; index: number; name: string; before: unknown; after: unknown }

/** The expected outputs of a bundle that its answers differ from. Cases that fail for any other reason stay as they are. */
export function goldenUpdates({ name, parsed }: LocalBundle, suites: readonly SuiteResult[]): GoldenUpdate[] {
  return [...parsed.suites].flatMap(([path, { suite }]) => {
    const failures = suites.find((result) => result.suite === suite)?.failures ?? []
    return failures.flatMap(({ index, name: of, expected, actual }) => {
      if (expected.output === undefined || !('output' in actual)) return []
      const onlyOutput = Object.entries(expected).every(
        ([field, wanted]) => field === 'output' || !(field in actual) || actual[field] === wanted,
      )
      if (!onlyOutput) return []
      return [{ path: `bundles/${name}/${path}`, index, name: of, before: expected.output, after: actual['output'] }]
    })
  })
}

/** Rewrites the expected outputs in their files, each as its author formatted it. */
export async function writeGoldens(clone: Clone, updates: readonly GoldenUpdate[]): Promise<void> {
  for (const path of new Set(updates.map((update) => update.path))) {
    const file = join(clone.root, path)
    let text = await readFile(file, 'utf8')
    for (const { index, after } of updates.filter((update) => update.path === path))
      text = replaceValue(text, ['cases', index, 'expect', 'output'], after)
    await writeFile(file, text)
  }
}
