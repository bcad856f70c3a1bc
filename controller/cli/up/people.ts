import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, type Signer } from '../../promotion/sign.ts'

export type Person = { id: string; name: string; email: string }

/** Who writes bundles in the example, and who approves them. */
export const AUTHOR: Person = { id: 'ana', name: 'Ana Souza', email: 'ana@acme-bank.example' }
export const APPROVER: Person = { id: 'ben', name: 'Ben Carter', email: 'ben@acme-bank.example' }

export type EmbeddedKeys = { root: Signer; controller: Signer; heartbeat: Signer; author: Signer; approver: Signer }

/** Makes every key of an embedded installation (mode 0600). */
export async function makeKeys(folder: string): Promise<EmbeddedKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const make = (name: string) => generateKeyPair(join(folder, name), `contractor ${name}`)
  const [root, controller, heartbeat, author, approver] = await Promise.all([
    make('root'),
    make('controller'),
    make('heartbeat'),
    make('author'),
    make('approver'),
  ])
  return { root, controller, heartbeat, author, approver }
}

/** `governance/allowed_signers` of people whose keys are here; the example's other principals have none and cannot sign. */
export function peopleSigners({ author, approver }: EmbeddedKeys): string {
  const line = (person: Person, signer: Signer) =>
    `${person.id} namespaces="git,contractor-approval" ${signer.publicKey}\n`
  return line(AUTHOR, author) + line(APPROVER, approver)
}
