import { parseRegistry, type ParsedRegistry } from '../../../runtime/registry/parse-registry.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'

/** The registry's files outside bundles, and its rules. @throws Fault `FILE_INVALID` where registry.yaml is unusable */
export function requireRules(files: ReadonlyMap<string, Buffer>): { parsed: ParsedRegistry; rules: Registry } {
  const outside = new Map([...files].filter(([path]) => !path.startsWith('bundles/')))
  const parsed = parseRegistry(outside)
  if (parsed.registry !== null) return { parsed, rules: parsed.registry }
  throw new Fault('FILE_INVALID', 'registry.yaml cannot be used, so nothing can be judged.', {
    findings: parsed.findings,
  })
}
