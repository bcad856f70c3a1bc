import { VERSIONS, type Command } from './commands.ts'
import type { Rules } from './rules.ts'

/** A part of the rules that is explored by itself, deeper than the whole could be. */
export type Scope = { name: string; rules: Rules; commands: readonly Command[]; depth: { short: number; long: number } }

export const PLAIN: Rules = {
  approvals: 1,
  soakHours: 0,
  frozenDay: null,
  rollbackApprovals: 0,
  rollbackWithinHours: 30 * 24,
}
/** Saturdays are frozen, and a candidate stays one for an hour. */
export const SLOW: Rules = { ...PLAIN, soakHours: 1, frozenDay: 6 }
const GUARDED: Rules = { ...PLAIN, rollbackApprovals: 1 }

const [HOUR, DAY, MONTH] = [1, 24, 31 * 24].map((hours): Command => ({ kind: 'pass', hours })) as [
  Command,
  Command,
  Command,
]
const both = VERSIONS.map((version): Command => ({ kind: 'set', candidate: version, current: version }))
const candidates = VERSIONS.map((candidate): Command => ({ kind: 'set', candidate }))
const currents = VERSIONS.map((current): Command => ({ kind: 'set', current }))
const approvals = VERSIONS.map((version): Command => ({ kind: 'approve', by: 'ben', alias: 'current', version }))
const worthless: Command[] = [
  { kind: 'approve', by: 'ana', alias: 'current', version: 1 },
  { kind: 'approve', by: 'cora', alias: 'current', version: 1 },
]
const revert: Command = { kind: 'revert' }
const revocations: Command[] = [
  { kind: 'revoke', version: 0 },
  { kind: 'revoke', version: 1 },
  { kind: 'unrevoke', version: 0, signed: false },
  { kind: 'unrevoke', version: 0, signed: true },
  { kind: 'unrevoke', version: 1, signed: true },
]
const suspensions: Command[] = [
  { kind: 'suspend' },
  { kind: 'resume', signed: false },
  { kind: 'resume', signed: true },
  { kind: 'set', current: null },
  { kind: 'set', candidate: null },
]
const rewrites: Command[] = [
  { kind: 'rewrite' },
  { kind: 'restore' },
  { kind: 'accept', by: 'ben' },
  { kind: 'accept', by: 'cora' },
]
const attacks: Command[] = [{ kind: 'steal' }, { kind: 'recover', keep: true }, { kind: 'recover', keep: false }]
/** They change nothing but what a controller must put back. */
const noises: Command[] = [{ kind: 'rewind' }, { kind: 'graffiti' }, { kind: 'restart' }]

export const SCOPES: readonly Scope[] = [
  {
    name: 'promotion',
    rules: PLAIN,
    commands: [...both, ...candidates, ...currents, ...approvals, ...worthless, revert],
    depth: { short: 3, long: 5 },
  },
  {
    name: 'rollback',
    rules: PLAIN,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), revert, MONTH, DAY],
    depth: { short: 7, long: 10 },
  },
  {
    name: 'freeze and soak',
    rules: SLOW,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), revert, HOUR, DAY],
    depth: { short: 6, long: 9 },
  },
  {
    name: 'guarded rollback',
    rules: GUARDED,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), revert, MONTH],
    depth: { short: 7, long: 10 },
  },
  {
    name: 'revocation',
    rules: PLAIN,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), ...revocations, revert],
    depth: { short: 5, long: 7 },
  },
  {
    name: 'suspension',
    rules: PLAIN,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), ...suspensions, revert],
    depth: { short: 5, long: 8 },
  },
  {
    name: 'rewritten main',
    rules: PLAIN,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), ...rewrites, revert],
    depth: { short: 5, long: 8 },
  },
  {
    name: 'epochs',
    rules: PLAIN,
    commands: [...both.slice(0, 2), ...approvals.slice(0, 2), ...attacks, revert],
    depth: { short: 5, long: 8 },
  },
  {
    name: 'everything',
    rules: SLOW,
    commands: [
      ...both,
      ...candidates,
      ...currents,
      ...approvals,
      ...worthless,
      ...revocations,
      ...suspensions,
      ...rewrites,
      ...attacks,
      ...noises,
      HOUR,
      DAY,
      MONTH,
      revert,
    ],
    depth: { short: 3, long: 4 },
  },
]
