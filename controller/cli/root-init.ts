import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { tokenCredentials } from '../../runtime/git/credentials.ts'
import { isUrl } from '../../runtime/git/remote-url.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { settingsOf, TOKEN } from '../../runtime/settings.ts'
import { LIVE_REF } from '../../runtime/trust/ledger.ts'
import { Fault } from '../../schemas/fault.ts'
import { createGenesis } from '../promotion/genesis.ts'
import { MAIN_REF } from '../promotion/read-main.ts'
import { generateKeyPair, openSigner } from '../promotion/sign.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'

export const rootInit: CommandSpec = {
  name: 'root init',
  summary:
    'make the root of trust of a registry: sign the first keyset, write seq 0 of `live`, and print what Runtimes pin',
  options: [
    ['--registry <path>', 'the bare repository, or its http(s) URL'],
    ['--keys <dir>', 'where the keys root, controller and heartbeat are, or are made (default: ./keys)'],
    ['--out <file>', 'where to write root.json (default: ./root.json)'],
  ],
  async run(call) {
    const location = optionText(call, 'registry') ?? call.env['CONTRACTOR_REGISTRY']
    if (location === undefined) throw new Fault('USAGE', 'Name the repository: --registry <path or URL>.')
    const keys = resolve(call.cwd, optionText(call, 'keys') ?? 'keys')
    const out = resolve(call.cwd, optionText(call, 'out') ?? 'root.json')
    if (existsSync(out))
      throw new Fault('USAGE', `${out} exists already; a root is made once. Name another file with --out.`)
    const repository = await openRegistry(call, location)
    try {
      await repository.refresh()
      await requireNoLedger(repository)
      await mkdir(dirname(out), { recursive: true })
      const [rootKey, controllerKey, heartbeatKey] = await Promise.all(
        ['root', 'controller', 'heartbeat'].map((name) => keyAt(join(keys, name))),
      )
      const root = await createGenesis({
        repository,
        rootSigners: [await openSigner(rootKey!)],
        controllerSigner: await openSigner(controllerKey!),
        heartbeatPublicKey: (await openSigner(heartbeatKey!)).publicKey,
        now: () => new Date(),
      })
      await writeFile(out, `${JSON.stringify(root, null, 2)}\n`, { flag: 'wx' })
      report(call, { root: out, folder: keys, registry: root.registry, genesis: root.genesis })
    } finally {
      await repository.close()
    }
    return 0
  },
}

/** By path, or by URL through a mirror that is gone when it is closed. */
async function openRegistry({ cwd, env }: Call, location: string): Promise<Repository> {
  if (!isUrl(location)) return openRepository(resolve(cwd, location))
  const token = settingsOf(env, {}).secret('CONTRACTOR_REGISTRY_TOKEN', TOKEN)
  const mirror = await mkdtemp(join(tmpdir(), 'contractor-root-'))
  const gone = () => rm(mirror, { recursive: true })
  const credentials = token === null ? {} : { credentials: tokenCredentials(token) }
  const options = { mirror, fetch: [MAIN_REF, LIVE_REF], ...credentials }
  const repository = await openRepository(location, options).catch((error: unknown) =>
    gone().then(() => Promise.reject(error)),
  )
  return { ...repository, close: () => repository.close().then(gone) }
}

/** Refuses before any key is made. */
async function requireNoLedger(repository: Repository): Promise<void> {
  const { location } = repository
  if ((await repository.readRef(MAIN_REF)) === null)
    throw new Fault('NOT_FOUND', `${location} has no branch main; push the registry there first.`)
  if ((await repository.readRef(LIVE_REF)) !== null)
    throw new Fault('USAGE', `${location} has a branch live already; a registry has one root, made once.`)
}

/** An existing key is used, a missing one is made. */
export async function keyAt(file: string): Promise<string> {
  if (!existsSync(file)) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await generateKeyPair(file, `contractor ${file.split('/').at(-1)}`)
  }
  return file
}

function report({ terminal }: Call, made: { root: string; folder: string; registry: string; genesis: string }): void {
  if (terminal.json) return terminal.out(JSON.stringify(made))
  terminal.out(`${terminal.style('green', '✔')} ${made.registry}: seq 0 of live is ${made.genesis}
  ${made.root}  is what every Runtime and clone pins
  ${join(made.folder, 'root')}  signs keysets: take it off this machine and keep it offline
  next: contractor controller --registry … --trust ${made.root} --keys ${made.folder}`)
}
