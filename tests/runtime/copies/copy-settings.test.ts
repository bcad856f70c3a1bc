import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readCopySettings } from '../../../runtime/copies/copy-settings.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const CANARY = 'CANARY_token_0123456789'
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'copy-settings-'))
  await writeFile(join(dir, 'token'), `${CANARY}\n`)
})

async function fileOf(text: string): Promise<string> {
  const path = join(dir, `${Math.random()}.yaml`)
  await writeFile(path, text)
  return path
}
const copies = (...lines: string[]) => fileOf(`copies:\n${lines.map((line) => `  - ${line}\n`).join('')}`)

describe('the file of audit copies', () => {
  it('names places, with credentials from the environment or a file', async () => {
    const path = await copies(
      '{ name: out, to: stdout }',
      '{ name: lines, to: http, url: "https://logs.example/in?index=audit", token_env: LOGS_TOKEN, required: true }',
      `{ name: otel, to: otlp, url: "http://127.0.0.1:4318/v1/logs", token_file: "${join(dir, 'token')}", token_header: X-Api-Key }`,
    )
    expect(readCopySettings(path, { LOGS_TOKEN: 'abc' })).toEqual([
      { name: 'out', to: 'stdout', isRequired: false },
      {
        name: 'lines',
        to: 'http',
        url: 'https://logs.example/in?index=audit',
        isRequired: true,
        header: ['authorization', 'Bearer abc'],
      },
      {
        name: 'otel',
        to: 'otlp',
        url: 'http://127.0.0.1:4318/v1/logs',
        isRequired: false,
        header: ['X-Api-Key', CANARY],
      },
    ])
  })

  it.each([
    ['no copies', ['']],
    ['an unknown kind', ['{ name: a, to: kafka }']],
    ['no url', ['{ name: a, to: http }']],
    ['a url on standard output', ['{ name: a, to: stdout, url: "http://x/" }']],
    ['a url of another scheme', ['{ name: a, to: http, url: "file:///etc/passwd" }']],
    ['credentials in the url', [`{ name: a, to: http, url: "http://user:${CANARY}@x/" }`]],
    ['two tokens', ['{ name: a, to: http, url: "http://x/", token_env: A, token_file: b }']],
    ['a header without a token', ['{ name: a, to: http, url: "http://x/", token_header: X-A }']],
    ['a token that is not in the environment', ['{ name: a, to: http, url: "http://x/", token_env: NOT_THERE }']],
    ['a token with a line break', ['{ name: a, to: http, url: "http://x/", token_env: BROKEN }']],
    ['one name twice', ['{ name: a, to: stdout }', '{ name: a, to: stdout }']],
    ['an unknown key', ['{ name: a, to: stdout, format: cef }']],
    ['a token in the file itself', [`{ name: a, to: http, url: "http://x/", token: ${CANARY} }`]],
  ])('is refused with %s', async (_name, lines) => {
    const path = await copies(...lines)
    const env = { BROKEN: `a\n${CANARY}` }
    expect(thrownReason(() => readCopySettings(path, env))).toBe('CONFIG_INVALID')
    let message = ''
    try {
      readCopySettings(path, env)
    } catch (error) {
      message = String(error)
    }
    expect(message).not.toContain(CANARY)
  })

  it('must be there', () => {
    expect(thrownReason(() => readCopySettings(join(dir, 'nothing'), {}))).toBe('CONFIG_INVALID')
  })
})
