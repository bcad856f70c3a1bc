import {
  changeOf,
  commitOf,
  contentOf,
  descends,
  settle,
  type Alias,
  type Commit,
  type Content,
  type Entry,
  type Person,
  type Rules,
  type Signature,
  type Version,
  type World,
} from './rules.ts'

/** What people, attackers and time do to a registry. Controllers look after each of them. */
export type Command =
  | { kind: 'set'; candidate?: Version | null; current?: Version | null }
  | { kind: 'approve'; by: Person; alias: Alias; version: Version }
  | { kind: 'revert' }
  | { kind: 'revoke'; version: Version }
  | { kind: 'unrevoke'; version: Version; signed: boolean }
  | { kind: 'suspend' }
  | { kind: 'resume'; signed: boolean }
  | { kind: 'pass'; hours: number }
  /** `main` goes back behind what was judged. */
  | { kind: 'rewrite' }
  | { kind: 'restore' }
  | { kind: 'accept'; by: Person }
  /** A push of an older `live`, or of a commit that nobody with a key wrote. */
  | { kind: 'rewind' }
  | { kind: 'graffiti' }
  /** Somebody with the controller's key signs a promotion that nobody approved. */
  | { kind: 'steal' }
  /** The root opens a new epoch: with or without the newest entry. */
  | { kind: 'recover'; keep: boolean }
  | { kind: 'restart' }

export const VERSIONS: readonly Version[] = [0, 1, 2]

export const nameOf = (command: Command): string =>
  Object.values(command)
    .map((value) => (value === null ? 'none' : String(value)))
    .join(' ')

const BEFORE_ANYTHING: Content = { candidate: null, current: null, status: 'active', revoked: [], signatures: [] }

/** A registry in which three versions are sealed and one tenant stands empty. */
export function worldWith(rules: Rules, { seq, settingsSeq }: { seq: number; settingsSeq: number }): World {
  const commits: Commit[] = [{ id: 0, parent: null, content: BEFORE_ANYTHING }]
  const live = {
    seq,
    epoch: 1,
    at: 0,
    source: 0,
    candidate: null,
    current: null,
    emptied: {},
    status: 'active',
    settingsSeq,
    revoked: [],
    governanceSeq: 0,
    standing: {},
    recorded: {},
  } as const
  return { rules, now: 0, commits, tip: 0, live, before: null, forged: false }
}

/** Whether the command makes sense here. */
export function isPossible(world: World, command: Command): boolean {
  const { tip, live, forged } = world
  const content = contentOf(world, tip)
  const isRewritten = !descends(world.commits, tip, live.source)
  switch (command.kind) {
    case 'set':
      return (
        (command.candidate !== undefined && command.candidate !== content.candidate) ||
        (command.current !== undefined && command.current !== content.current)
      )
    case 'approve':
      return !content.signatures.some((known) => isSameSignature(known, signatureOf(world, command)))
    case 'revert': {
      const { parent } = commitOf(world.commits, tip)
      return parent !== null && !isSameContent(contentOf(world, parent), content)
    }
    case 'revoke':
      return !content.revoked.includes(command.version)
    case 'unrevoke':
      return content.revoked.includes(command.version)
    case 'suspend':
      return content.status === 'active'
    case 'resume':
      return content.status === 'suspended'
    case 'rewrite':
      return !isRewritten && live.source === tip && commitOf(world.commits, tip).parent !== null
    case 'restore':
    case 'accept':
      return isRewritten
    case 'rewind':
    case 'graffiti':
    case 'restart':
      return !forged
    case 'steal':
      return !forged && live.current?.version !== 2
    case 'recover':
      return forged || (command.keep ? live.epoch < 3 : live.epoch < 3 && world.before !== null)
    case 'pass':
      return true
    default:
      return command satisfies never
  }
}

/** What the command and then the controllers make of the world. */
export function after(world: World, command: Command): { world: World; written: Entry[] } {
  return settle(done(world, command))
}

/** What the command alone makes of it. */
export function done(world: World, command: Command): World {
  const content = contentOf(world, world.tip)
  const commit = (changes: Partial<Content>): World => onMain(world, { ...content, ...changes })
  const signed = (signature: Signature) => withSignature(content.signatures, signature)
  switch (command.kind) {
    case 'set': {
      const { candidate = content.candidate, current = content.current } = command
      return commit({ candidate, current })
    }
    case 'approve':
      return commit({ signatures: signed(signatureOf(world, command)) })
    case 'revert':
      return onMain(world, contentOf(world, commitOf(world.commits, world.tip).parent ?? world.tip))
    case 'revoke':
      return commit({ revoked: [...content.revoked, command.version] })
    case 'unrevoke': {
      const revoked = content.revoked.filter((version) => version !== command.version)
      const { governanceSeq: seq, revoked: from } = world.live
      const signature: Signature = { over: 'governance', by: 'ben', to: revoked, seq, from: from.join() }
      return commit({ revoked, ...(command.signed ? { signatures: signed(signature) } : {}) })
    }
    case 'suspend':
      return commit({ status: 'suspended' })
    case 'resume': {
      const signature: Signature = { over: 'settings', by: 'ben', seq: world.live.settingsSeq }
      return commit({ status: 'active', ...(command.signed ? { signatures: signed(signature) } : {}) })
    }
    case 'pass':
      return { ...world, now: world.now + command.hours }
    case 'rewrite':
      return { ...world, tip: commitOf(world.commits, world.tip).parent ?? world.tip }
    case 'restore':
      return { ...world, tip: world.live.source }
    case 'accept':
      return commit({ signatures: signed({ over: 'main', by: command.by, from: world.live.source, to: world.tip }) })
    case 'rewind':
    case 'graffiti':
    case 'restart':
      return world
    case 'steal':
      return { ...world, forged: true }
    case 'recover': {
      const base = command.keep || world.before === null ? world.live : world.before
      const { seq, epoch } = base
      const live = {
        ...base,
        seq: seq + 1,
        epoch: Math.max(epoch, world.live.epoch) + 1,
        at: Math.max(base.at, world.now),
        standing: base === world.live ? base.standing : base.recorded,
      }
      return { ...world, live, before: base, forged: false }
    }
    default:
      return command satisfies never
  }
}

function onMain(world: World, content: Content): World {
  const id = world.commits.length
  return { ...world, commits: [...world.commits, { id, parent: world.tip, content }], tip: id }
}

function signatureOf({ live }: World, { by, alias, version }: Command & { kind: 'approve' }): Signature {
  return { over: 'alias', alias, by, version, ...changeOf(live, alias) }
}

/** A later signature of the same person on the same thing stands in the same file. */
function withSignature(signatures: readonly Signature[], signature: Signature): Signature[] {
  return [...signatures.filter((known) => fileOf(known) !== fileOf(signature)), signature].toSorted((a, b) =>
    fileOf(a) < fileOf(b) ? -1 : 1,
  )
}

/** Names the file in which a signature stands. */
export function fileOf(signature: Signature): string {
  switch (signature.over) {
    case 'alias':
      return `${signature.alias} ${signature.version} ${signature.by}`
    case 'settings':
      return `settings ${signature.by}`
    case 'governance':
      return `governance ${signature.to.join()} ${signature.by}`
    case 'main':
      return `main ${signature.to} ${signature.by}`
    default:
      return signature satisfies never
  }
}

const isSameSignature = (a: Signature, b: Signature) => JSON.stringify(a) === JSON.stringify(b)
export const isSameContent = (a: Content, b: Content) => JSON.stringify(a) === JSON.stringify(b)
