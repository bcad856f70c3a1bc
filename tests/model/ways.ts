import type { Command } from './commands.ts'
import type { Rules, Version } from './rules.ts'
import { PLAIN, SLOW } from './scopes.ts'

/** A way that is replayed on a real registry in every run of the tests. */
export type Way = { name: string; rules: Rules; controllers: 1 | 2; way: readonly Command[] }

const both = (version: Version): Command => ({ kind: 'set', candidate: version, current: version })
const approve = (version: Version): Command => ({ kind: 'approve', by: 'ben', alias: 'current', version })
const revert: Command = { kind: 'revert' }
const hour: Command = { kind: 'pass', hours: 1 }
const day: Command = { kind: 'pass', hours: 24 }

export const WAYS: readonly Way[] = [
  {
    name: 'a revert is live in a freeze, and a revert of the revert waits for its end',
    rules: SLOW,
    controllers: 1,
    way: [both(0), approve(0), hour, both(1), approve(1), hour, day, revert, revert, both(0), both(1), approve(1), day],
  },
  {
    name: 'what was approved before an alias was emptied counts no more',
    rules: PLAIN,
    controllers: 1,
    way: [
      both(0),
      approve(0),
      { kind: 'suspend' },
      { kind: 'set', current: null },
      { kind: 'resume', signed: true },
      { kind: 'set', current: 0 },
      approve(0),
    ],
  },
  {
    name: 'what owners take back from the revocations is promoted in the same entry',
    rules: PLAIN,
    controllers: 1,
    way: [{ kind: 'revoke', version: 0 }, both(0), approve(0), { kind: 'unrevoke', version: 0, signed: true }],
  },
  {
    name: 'a refusal that a new epoch left behind is written again',
    rules: PLAIN,
    controllers: 2,
    way: [both(0), { kind: 'recover', keep: false }, approve(0), both(1), { kind: 'recover', keep: false }, approve(1)],
  },
  {
    name: 'a stolen key halts, the root recovers, and pushes to live are put back',
    rules: PLAIN,
    controllers: 2,
    way: [
      both(0),
      approve(0),
      { kind: 'steal' },
      both(1),
      { kind: 'recover', keep: true },
      approve(1),
      { kind: 'rewind' },
      { kind: 'graffiti' },
      { kind: 'rewrite' },
      both(2),
      { kind: 'accept', by: 'cora' },
      { kind: 'accept', by: 'ben' },
    ],
  },
]
