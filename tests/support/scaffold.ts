import { scaffoldBundle } from '../../controller/cli/scaffold/scaffold-bundle.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { Registry } from '../../schemas/registry/registry.ts'

export const RULES: Registry = {
  registry: 'acme',
  runtime: { version: '1.0.0' },
  compiler: 1,
  gates: 1,
  policies: { required: ['security', 'rate_limit', 'redaction'] },
  promotion: { candidate: { approvals: 0 }, current: { from: 'candidate', approvals: 1, soak: 'PT0S', freeze: [] } },
  rollback: { approvals: 0, within: 'P30D' },
  changes: { governance: 'owners', keys: 0, limits: 0, unsuspend: 'owners', unrevoke: 'owners' },
}

/** The bundle that `contractor new bundle faq` writes, with some files replaced; null removes one. */
export function faq(changes: Record<string, string | ((text: string) => string) | null> = {}): BundleFiles {
  const files = new Map(
    [...scaffoldBundle({ name: 'faq', author: 'ana' }, new Date('2026-01-01T00:00:00Z'))].map(([path, text]) => [
      path,
      Buffer.from(text),
    ]),
  )
  for (const [path, change] of Object.entries(changes)) {
    if (change === null) files.delete(path)
    else files.set(path, Buffer.from(typeof change === 'string' ? change : replaced(change, files.get(path), path)))
  }
  return files
}

function replaced(change: (text: string) => string, body: Buffer | undefined, path: string): string {
  const before = body?.toString() ?? ''
  const after = change(before)
  if (after === before) throw new Error(`${path}: the change of the fixture changes nothing`)
  return after
}
