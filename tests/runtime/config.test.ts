import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRuntimeConfig } from '../../runtime/config.ts'
import { Fault } from '../../schemas/fault.ts'
import { faultReason } from '../support/fault-reason.ts'

const NEEDED = { CONTRACTOR_REGISTRY: 'https://git.example.com/acme.git', CONTRACTOR_TRUST: 'root.json' }
const KEY = 'CANARY-operator-key-0123456789-0123456789'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'config-'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('the configuration of a Runtime', () => {
  it('needs to know a registry and whom to trust, and nothing else', () => {
    expect(readRuntimeConfig(NEEDED)).toMatchObject({
      registry: NEEDED.CONTRACTOR_REGISTRY,
      port: 8080,
      host: '127.0.0.1',
      deadlineMs: 60_000,
      maxBodyBytes: 1_048_576,
      operatorKey: null,
    })
  })

  it.each(Object.keys(NEEDED))('does not start without %s', async (name) => {
    const { [name as keyof typeof NEEDED]: _, ...rest } = NEEDED
    expect(await faultReason(() => readRuntimeConfig(rest))).toBe('CONFIG_INVALID')
  })

  it.each([
    ['CONTRACTOR_RUNTIME_PORT', '70000'],
    ['CONTRACTOR_RUNTIME_PORT', '80a'],
    ['CONTRACTOR_RUNTIME_PORT', ''],
    ['TIMEOUT_REQUEST', '0'],
    ['TIMEOUT_REQUEST', '60000'],
    ['TIMEOUT_REQUEST', '-1'],
    ['CONTRACTOR_NODE', 'Node 1'],
    ['CONTRACTOR_LOG_LEVEL', 'loud'],
    ['CONTRACTOR_OPERATOR_KEY', 'short'],
    ['CONTRACTOR_OPERATOR_KEY_FILE', '/does/not/exist'],
    ['CONTRACTOR_POLL_INTERVAL_MS', '0'],
  ])('does not start with %s=%s', async (name, value) => {
    expect(await faultReason(() => readRuntimeConfig({ ...NEEDED, [name]: value }))).toBe('CONFIG_INVALID')
  })

  it('takes a secret from the environment or from a file, and not from both', async () => {
    const file = join(dir, 'key')
    await writeFile(file, `${KEY}\n`)
    const fromFile = readRuntimeConfig({ ...NEEDED, CONTRACTOR_OPERATOR_KEY_FILE: file })
    expect(fromFile.operatorKey).toEqual(readRuntimeConfig({ ...NEEDED, CONTRACTOR_OPERATOR_KEY: KEY }).operatorKey)
    const both = { ...NEEDED, CONTRACTOR_OPERATOR_KEY: KEY, CONTRACTOR_OPERATOR_KEY_FILE: file }
    expect(await faultReason(() => readRuntimeConfig(both))).toBe('CONFIG_INVALID')
  })

  it('shows no secret in what it refuses', () => {
    let message = ''
    try {
      readRuntimeConfig({ ...NEEDED, CONTRACTOR_OPERATOR_KEY: 'CANARY with spaces that are not allowed here' })
    } catch (error) {
      message = (error as Fault).message
    }
    expect(message).toContain('CONTRACTOR_OPERATOR_KEY')
    expect(message).not.toContain('CANARY')
  })

  it('takes what the command line says before the environment', () => {
    const env = { ...NEEDED, CONTRACTOR_RUNTIME_PORT: '1' }
    expect(readRuntimeConfig(env, { CONTRACTOR_RUNTIME_PORT: '2' }).port).toBe(2)
  })

  it('takes TIMEOUT_REQUEST in seconds', () => {
    expect(readRuntimeConfig({ ...NEEDED, TIMEOUT_REQUEST: '2.5' }).deadlineMs).toBe(2500)
  })

  it('takes a witness whole or not at all', async () => {
    const url = { CONTRACTOR_CONTROLLER_URL: 'http://127.0.0.1:7070' }
    const key = { CONTRACTOR_CHECKPOINT_KEY: KEY }
    expect(readRuntimeConfig(NEEDED).witness).toBeNull()
    expect(readRuntimeConfig({ ...NEEDED, ...url, ...key }).witness).toEqual({ url: 'http://127.0.0.1:7070', key: KEY })
    const withCredentials = { CONTRACTOR_CONTROLLER_URL: 'http://me:secret@127.0.0.1:7070', ...key }
    for (const part of [url, key, withCredentials])
      expect(await faultReason(() => readRuntimeConfig({ ...NEEDED, ...part }))).toBe('CONFIG_INVALID')
  })
})
