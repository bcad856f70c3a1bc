import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleNames, bundleOf } from '../../controller/cli/clone/work-tree.ts'
import { EXAMPLE_FOLDER, readExample, type Files } from '../../controller/cli/up/example.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'

/** Digest by `<name>@<version>` of every bundle version in the history of the example; each is compiled once. */
export async function exampleDigests(): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  for (const files of Object.values(await readExample())) {
    for (const name of bundleNames(files.keys())) {
      const source = bundleOf(new Map(files), name)
      const key = `${name}@${field(source.get('manifest.yaml')!.toString(), 'bundle_version')}`
      if (!digests.has(key)) digests.set(key, compileBundle(source, 1).digest)
    }
  }
  return digests
}

/** What an alias file of the example should say. */
export function withDigest(text: string, digests: ReadonlyMap<string, string>): string {
  const digest = digests.get(`${field(text, 'bundle')}@${field(text, 'version')}`)
  if (digest === undefined) throw new Error(`no bundle for:\n${text}`)
  return text.replace(/^digest: \S+$/m, `digest: ${digest}`)
}

/** Alias files of the example and its history, by path from `example-registry/`. */
export async function aliasFiles(): Promise<Files> {
  const entries = await readdir(EXAMPLE_FOLDER, { recursive: true, encoding: 'utf8' })
  const paths = entries.filter((path) => /(^|\/)aliases\/[a-z]+\.yaml$/.test(path))
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(EXAMPLE_FOLDER, path))] as const)),
  )
}

function field(text: string, name: string): string {
  return new RegExp(`^${name}: (\\S+)`, 'm').exec(text)![1]!
}

/** `node dist/tests/support/fill-example-digests.js --write`, after the compiler or a bundle of the example changed. */
if (process.argv.includes('--write')) {
  const digests = await exampleDigests()
  for (const [path, body] of await aliasFiles())
    await writeFile(join(EXAMPLE_FOLDER, path), withDigest(body.toString(), digests))
}
