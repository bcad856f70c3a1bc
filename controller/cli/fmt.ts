import { writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { sourceDigest } from '../../runtime/bundle/digest.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import { CASES, CATALOGUE, type Limits } from '../../schemas/limits.ts'
import { findingsOf } from '../../schemas/parse-file.ts'
import { safeJson } from '../../schemas/safe-json.ts'
import { safeYaml } from '../../schemas/safe-yaml.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import type { Call, CommandSpec } from './command.ts'
import { formatFindings } from './findings.ts'
import { styleJson } from './formats/json-style.ts'
import { styleYaml } from './formats/yaml-style.ts'
import { sealsOfClone } from './clone/known-ledger.ts'
import { bundleNames, bundleOf, readWorkTree } from './clone/work-tree.ts'

export const fmt: CommandSpec = {
  name: 'fmt',
  summary: 'format the YAML and JSON files of the registry, without a change of what they say',
  args: [['[paths...]', 'only these files and folders; a bundle that is sealed as it stands only where it is named']],
  options: [['--check', 'change nothing, and fail where something would change'], CLONE_OPTION],
  async run(call) {
    const clone = await openClone(call)
    const files = await filesToFormat(call, clone)
    const changed: { path: string; text: string }[] = []
    const findings: Finding[] = []
    for (const [path, body] of files) {
      const styled = styleFile(path, body)
      if ('findings' in styled) findings.push(...styled.findings)
      else if (styled.text !== body.toString('utf8')) changed.push({ path, text: styled.text })
    }
    const isCheck = call.options['check'] === true
    if (!isCheck) for (const { path, text } of changed) await writeFile(join(clone.root, path), text)
    report(call, { paths: changed.map(({ path }) => path), findings, files: files.size, isCheck })
    return findings.length > 0 || (isCheck && changed.length > 0) ? 1 : 0
  },
}

const READERS: Readonly<Record<string, { read: typeof safeYaml; limits: Limits; style: (text: string) => string }>> = {
  '.yaml': { read: safeYaml, limits: CATALOGUE, style: styleYaml },
  '.json': { read: safeJson, limits: CASES, style: styleJson },
}

/**
 * A file in the one style, or why it is not what the registry allows.
 * @throws Fault `INTERNAL` where the styled text would not say the same; nothing is written then
 */
export function styleFile(path: string, body: Buffer): { text: string } | { findings: Finding[] } {
  const reader = readerOf(path)
  if (reader === undefined) return { text: body.toString('utf8') }
  const { read, limits, style } = reader
  const before = read(body, limits)
  if (before.document === null) return { findings: findingsOf(before, 'fmt', path) }
  const text = style(body.toString('utf8'))
  const after = read(Buffer.from(text), limits)
  if (after.document !== null && isDeepStrictEqual(after.document.value, before.document.value)) return { text }
  throw new Fault('INTERNAL', `${path}: formatted, it would not say the same. The file was left as it is.`)
}

function readerOf(path: string) {
  return READERS[/\.[a-z]+$/.exec(path)?.[0] ?? '']
}

/** Without paths: everything but bundles whose very bytes are sealed, which a new style would make other bundles. */
async function filesToFormat(call: Call, clone: Clone): Promise<Map<string, Buffer>> {
  const files = new Map([...(await readWorkTree(clone))].filter(([path]) => readerOf(path) !== undefined))
  const named = call.args.flatMap((path) => (path === undefined ? [] : [relative(clone.root, resolve(call.cwd, path))]))
  if (named.length === 0) {
    const frozen = await sealedPrefixes(clone, await readWorkTree(clone, ['bundles']))
    return new Map([...files].filter(([path]) => !frozen.some((prefix) => path.startsWith(prefix))))
  }
  const missing = named.find((wanted) => ![...files.keys()].some((path) => isWithin(path, wanted)))
  if (missing !== undefined)
    throw new Fault('USAGE', `There is no YAML or JSON file of the registry at ${missing || '.'}.`)
  return new Map([...files].filter(([path]) => named.some((wanted) => isWithin(path, wanted))))
}

const isWithin = (path: string, folder: string) => folder === '' || path === folder || path.startsWith(`${folder}/`)

async function sealedPrefixes(clone: Clone, files: ReadonlyMap<string, Buffer>): Promise<string[]> {
  const sealed = new Set([...(await sealsOfClone(clone)).values()].map(({ source_digest: digest }) => digest))
  return bundleNames(files.keys())
    .filter((name) => sealed.has(sourceDigest(bundleOf(files, name))))
    .map((name) => `bundles/${name}/`)
}

type Formatted = { paths: string[]; findings: Finding[]; files: number; isCheck: boolean }

function report({ terminal }: Call, { paths, findings, files, isCheck }: Formatted): void {
  if (terminal.json) return terminal.out(JSON.stringify({ changed: paths, findings }))
  if (findings.length > 0) terminal.out(formatFindings(findings, terminal))
  for (const path of paths) terminal.out(path)
  terminal.out(`${paths.length} of ${files} files ${isCheck ? 'would change' : 'changed'}`)
}
