import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openRepository } from '../../runtime/git/repository.ts'
import { parseRoot, verifyEpoch, verifyKeyset } from '../../runtime/trust/root.ts'
import { Fault } from '../../schemas/fault.ts'
import { NAME, OID } from '../../schemas/names.ts'
import {
  formatTrustFile,
  headToRotate,
  planRotation,
  writeRotation,
  type SignedFile,
} from '../promotion/rotate-keys.ts'
import { openSigner } from '../promotion/sign.ts'
import { signWithSshKeygen } from './approve/approval-signature.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { keyAt } from './root-init.ts'

export const rootSign: CommandSpec = {
  name: 'root sign',
  summary: 'sign what `root rotate` or `export --lease` prepared; for the machine that holds a root key, offline',
  args: [['<file>', 'a keyset, an epoch or a lease; the signature is added to <file>.sig']],
  options: [['--key <file>', 'the root key']],
  async run(call) {
    const file = resolve(call.cwd, argument(call, 0, 'file'))
    const text = await readFile(file, 'utf8')
    const { registry } = JSON.parse(text) as { registry?: unknown }
    if (typeof registry !== 'string' || !NAME.test(registry))
      throw new Fault('USAGE', `${file}: expected a keyset, an epoch or a lease, found no registry in it.`)
    const signature = await signWithSshKeygen(text, 'contractor-root', resolve(call.cwd, required(call, 'key')))
    await writeFile(`${file}.sig`, signature, { flag: 'a' })
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ file, signatures: `${file}.sig` }))
    else terminal.out(`${terminal.style('green', '✔')} signed:\n${text}`)
    return 0
  },
}

export const rootRotate: CommandSpec = {
  name: 'root rotate',
  summary:
    'put new controller keys in force: prepares what the root must sign, and once it is signed writes it to `live`',
  options: [
    ['--registry <path>', 'the bare repository, or its http(s) URL'],
    ['--trust <file>', 'root.json'],
    ['--keys <dir>', 'where the new keys controller and heartbeat are, or are made'],
    ['--out <dir>', 'where the files to sign are (default: ./rotation)'],
    ['--from <file>', 'the controller key that hands over; not with --recover'],
    ['--recover <commit>', 'the keys are lost or stolen: the last commit of `live` that is right'],
  ],
  async run(call) {
    const recover = optionText(call, 'recover') ?? null
    if (recover !== null && !OID.test(recover)) throw new Fault('USAGE', '--recover: expected a whole commit id.')
    const root = parseRoot(await readFile(resolve(call.cwd, required(call, 'trust'))))
    const keys = resolve(call.cwd, required(call, 'keys'))
    const out = resolve(call.cwd, optionText(call, 'out') ?? 'rotation')
    const [controller, heartbeat] = await Promise.all(
      ['controller', 'heartbeat'].map(async (name) => openSigner(await keyAt(join(keys, name)))),
    )
    const mirror = join(keys, '.mirror')
    const repository = await openRepository(required(call, 'registry'), { mirror, fetch: ['refs/heads/live'] })
    try {
      await repository.refresh()
      const head = await headToRotate(repository, root, recover)
      const kind = recover === null ? 'hand over' : 'recover'
      const rotation = planRotation(head, controller!.publicKey, heartbeat!.publicKey, kind)
      await mkdir(out, { recursive: true })
      const keyset = await fileToSign(join(out, 'keyset.json'), rotation.keyset)
      const epoch = rotation.epoch === null ? null : await fileToSign(join(out, 'epoch.json'), rotation.epoch)
      const unsigned = [keyset, epoch].filter((file) => file?.signatures === '')
      if (unsigned.length > 0) return tellToSign(call, out, recover)
      verifyKeyset(root, keyset.bytes, keyset.signatures)
      if (epoch !== null) verifyEpoch(root, epoch.bytes, epoch.signatures)
      const signer = recover === null ? await openSigner(resolve(call.cwd, required(call, 'from'))) : controller!
      const written = await writeRotation(
        repository,
        root,
        head,
        rotation,
        { keyset, epoch },
        { signer, now: new Date() },
      )
      const told = { seq: written.seq, live: written.oid, keyset: rotation.keyset.version, epoch: written.epoch }
      if (call.terminal.json) call.terminal.out(JSON.stringify(told))
      else
        call.terminal.out(
          `${call.terminal.style('green', '✔')} keyset ${told.keyset} is in force since seq ${told.seq}`,
        )
      return 0
    } finally {
      await repository.close()
    }
  },
}

function required(call: Call, name: string): string {
  const value = optionText(call, name) ?? (name === 'registry' ? call.env['CONTRACTOR_REGISTRY'] : undefined)
  if (value === undefined) throw new Fault('USAGE', `--${name} is missing.`)
  return value
}

/** What was prepared for exactly this rotation, with its signatures; anything else is prepared anew, without any. */
async function fileToSign(path: string, value: unknown): Promise<SignedFile> {
  const bytes = formatTrustFile(value)
  const signatures = `${path}.sig`
  const isSame = existsSync(path) && bytes.equals(await readFile(path))
  if (isSame && existsSync(signatures)) return { bytes, signatures: await readFile(signatures, 'utf8') }
  if (existsSync(signatures))
    throw new Fault('USAGE', `${signatures} signs another rotation; remove it, or name another folder with --out.`)
  await writeFile(path, bytes)
  return { bytes, signatures: '' }
}

function tellToSign({ terminal }: Call, out: string, recover: string | null): number {
  const files = (recover === null ? ['keyset.json'] : ['keyset.json', 'epoch.json']).map((name) => join(out, name))
  if (terminal.json) terminal.out(JSON.stringify({ sign: files }))
  else
    terminal.out(
      `To be signed where the root keys are:\n${files.map((file) => `  contractor root sign ${file} --key <root key>`).join('\n')}\nThen run this command again.`,
    )
  return 0
}
