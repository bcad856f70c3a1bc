import { openSandbox } from '../../gates/sandbox.ts'
import { MAIN_REF } from '../../promotion/read-main.ts'
import { readReport } from '../../promotion/reports.ts'
import type { Clone } from '../clone/clone.ts'
import type { Call } from '../command.ts'
import type { ExitCode } from '../exit.ts'
import { refOfClone } from '../clone/ledger-of-clone.ts'
import { recompute, type NamedReport, type Recomputed } from './recompute-reports.ts'

/** What came of computing the reports again; `verdict` says whether all that could be computed have the same bytes. */
export type GatesVerified = {
  verdict: 'pass' | 'fail' | 'undecided'
  reports: number
  same: number
  /** What is not the same; what could not be computed comes first. */
  told: { kind: Kind; digest: string; seq: number; subject: string; source: string; message: string }[]
}

type Kind = Exclude<Recomputed['kind'], 'same'>

const ORDER: readonly Kind[] = ['undecided', 'stopped', 'different', 'damaged', 'missing']
const TELL_EVERY = 25

/** Computes every report that `live` names again, in the sandbox, from this clone alone. */
export async function verifyGates(call: Call, clone: Clone, named: readonly NamedReport[]): Promise<GatesVerified> {
  const { terminal } = call
  const ref = await refOfClone(call, clone, 'reports')
  await refOfClone(call, clone, MAIN_REF.slice('refs/heads/'.length))
  const { repository } = clone
  const once = [...new Map(named.map((report) => [`${report.digest} ${report.subject}`, report])).values()]
  const sandbox = openSandbox()
  const all: Recomputed[] = []
  try {
    const deps = {
      reader: repository,
      judge: sandbox.judge,
      bytesOf: (digest: string) => readReport(repository, digest, ref),
    }
    for (const report of once) {
      all.push(await recompute(deps, report))
      if (all.length % TELL_EVERY === 0 && !terminal.json) terminal.err(`${all.length} of ${once.length} reports …`)
    }
  } finally {
    await sandbox.stop()
  }
  const told = ORDER.flatMap((kind) => all.flatMap((one) => (one.kind === kind ? [toldOf(one)] : [])))
  const kinds = new Set(told.map(({ kind }) => kind))
  const isBroken = kinds.has('different') || kinds.has('damaged') || kinds.has('missing')
  const verdict = isBroken ? 'fail' : kinds.has('undecided') ? 'undecided' : 'pass'
  return { verdict, reports: all.length, same: all.length - told.length, told }
}

function toldOf({ kind, message, report }: Recomputed & { kind: Kind }): GatesVerified['told'][number] {
  const { digest, seq, subject, source } = report
  return { kind, digest, seq, subject, source, message }
}

export const EXIT_OF: Readonly<Record<GatesVerified['verdict'], ExitCode>> = { pass: 0, fail: 1, undecided: 3 }

const WORDS: Readonly<Record<Kind, string>> = {
  undecided: 'cannot be computed again',
  stopped: 'cannot be computed again',
  different: 'is not what its inputs give',
  damaged: 'is damaged',
  missing: 'is missing',
}

/** One line for each report that is not the same, with where it is named. */
export function tellGates({ terminal }: Call, { told, reports, same }: GatesVerified): void {
  for (const { kind, digest, seq, subject, source, message } of told) {
    const isOpen = kind === 'stopped' || kind === 'undecided'
    const mark = isOpen ? terminal.style('yellow', '!') : terminal.style('red', '✖')
    terminal.out(`${mark} report ${digest} ${WORDS[kind]}: ${message}
    named at seq ${seq} for ${subject}, source ${source}`)
  }
  const sign = same === reports ? terminal.style('green', '✔') : terminal.style('yellow', '!')
  terminal.out(`${sign} ${same} of ${reports} gate reports computed again from this clone have the same bytes`)
}
