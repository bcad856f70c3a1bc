import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readControllerConfig } from '../../controller/config.ts'
import { thrownReason } from '../support/thrown-reason.ts'

describe("a controller's configuration", () => {
  let root: string
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'config-'))
    root = join(folder, 'root.json')
    const key = `ssh-ed25519 ${Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), Buffer.alloc(32, 1)]).toString('base64')}`
    await writeFile(root, JSON.stringify({ registry: 'acme', keys: [key], threshold: 1, genesis: '1'.repeat(40) }))
  })

  const env = (more: NodeJS.ProcessEnv = {}) => ({
    CONTRACTOR_REGISTRY: '/srv/registry.git',
    CONTRACTOR_TRUST: root,
    ...more,
  })

  const FORGE = {
    CONTRACTOR_FORGE: 'gitea',
    CONTRACTOR_FORGE_API: 'https://forge.example/api/v1',
    CONTRACTOR_FORGE_PROJECT: 'acme/registry',
    CONTRACTOR_FORGE_TOKEN: 'a-token',
  }

  it('takes the forge, whose webhooks it believes and where it posts statuses', () => {
    const more = {
      CONTRACTOR_WEBHOOK_SECRET_GITEA: 's'.repeat(16),
      CONTRACTOR_PUBLIC_URL: 'https://contractor.example/',
    }
    expect(readControllerConfig(env({ ...FORGE, ...more })).forge).toEqual({
      webhookSecrets: { gitea: 's'.repeat(16) },
      api: { kind: 'gitea', api: 'https://forge.example/api/v1', project: 'acme/registry', token: 'a-token' },
      publicUrl: 'https://contractor.example',
      pulls: null,
    })
  })

  it('has a default for everything but the registry and the root that it pins', () => {
    const config = readControllerConfig(env())
    expect(config).toMatchObject({
      registry: '/srv/registry.git',
      root: { registry: 'acme' },
      host: '127.0.0.1',
      port: 7070,
      heartbeatIntervalMs: 60_000,
      heartbeatValidMs: 600_000,
      operatorKey: null,
      forge: { webhookSecrets: {}, api: null, publicUrl: null, pulls: null },
    })
  })

  it('takes flags before the environment, and secrets from files', async () => {
    const file = join(folder, 'operator')
    await writeFile(file, `${'k'.repeat(40)}\n`)
    const config = readControllerConfig(env({ CONTRACTOR_CONTROLLER_PORT: '1', CONTRACTOR_OPERATOR_KEY_FILE: file }), {
      CONTRACTOR_CONTROLLER_PORT: '0',
      CONTRACTOR_KEYS: folder,
    })
    expect(config).toMatchObject({ port: 0, controllerKeyFile: join(folder, 'controller') })
    expect(config.operatorKey).toHaveLength(32)
  })

  it.each([
    ['no registry', { CONTRACTOR_REGISTRY: undefined }],
    ['no root', { CONTRACTOR_TRUST: undefined }],
    ['a root that is not there', { CONTRACTOR_TRUST: '/nowhere/root.json' }],
    ['a port that is none', { CONTRACTOR_CONTROLLER_PORT: '70000' }],
    ['an interval with a unit', { CONTRACTOR_POLL_INTERVAL_MS: '5s' }],
    ['an operator key that is short', { CONTRACTOR_OPERATOR_KEY: 'short' }],
    ['a user for the registry without a password', { CONTRACTOR_REGISTRY_USER: 'deploy' }],
    ['a user whose name ends before it ends', { CONTRACTOR_REGISTRY_USER: 'de:ploy', CONTRACTOR_REGISTRY_TOKEN: 't' }],
    ['a webhook secret that is short', { CONTRACTOR_WEBHOOK_SECRET_GITEA: 'short' }],
    ['a forge that nobody knows', { ...FORGE, CONTRACTOR_FORGE: 'bitbucket' }],
    ['a forge without its API', { ...FORGE, CONTRACTOR_FORGE_API: undefined }],
    ['an API with credentials in its URL', { ...FORGE, CONTRACTOR_FORGE_API: 'https://me:secret@api.forge.example' }],
    ['a project that leaves its place', { ...FORGE, CONTRACTOR_FORGE_PROJECT: 'acme/../other' }],
    ['pull requests to judge, and no forge to tell', { CONTRACTOR_JUDGE_PULLS: 'on' }],
    ['pull requests that are neither on nor off', { ...FORGE, CONTRACTOR_JUDGE_PULLS: 'yes' }],
    ['a forge without a token', { ...FORGE, CONTRACTOR_FORGE_TOKEN: undefined }],
    ['a token of two lines', { ...FORGE, CONTRACTOR_FORGE_TOKEN: 'one\ntwo' }],
  ])('is refused with %s', (_what, more) => {
    expect(thrownReason(() => readControllerConfig(env(more)))).toBe('CONFIG_INVALID')
  })
})
