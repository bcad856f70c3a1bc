import { expect, it } from 'vitest'
import { aliasFiles, exampleDigests, withDigest } from '../support/fill-example-digests.ts'

it('names the digests that its bundles have (else: node dist/tests/support/fill-example-digests.js --write)', async () => {
  const digests = await exampleDigests()
  const files = await aliasFiles()
  expect(files.size).toBeGreaterThan(8)
  for (const [path, body] of files) expect(`${path}\n${body.toString()}`).toBe(`${path}\n${withDigest(body.toString(), digests)}`)
})
