import { cp } from 'node:fs/promises'

/** Exit code of a program that could not start, and said why. */
export const REFUSED = 3

/** What a faulty run left, before anybody repaired anything. */
export type Aftermath = {
  /** What the program wrote to its standard output. */
  output: string
  /** The exit code; null where it was killed. */
  code: number | null
  /** Of the server, where the scenario has one. */
  url: string
}

/** Copies a repository that this process holds open: without the file that names it as the holder of its locks. */
export const copyFolder = (from: string, to: string): Promise<void> =>
  cp(from, to, { recursive: true, force: true, preserveTimestamps: true, filter: (path) => !path.endsWith('.owner') })

/** A program whose every operation is to fail once, and what must hold then. */
export type Scenario = {
  name: string
  /** Path of the compiled program, which gets the folder and `args`, and exits with 0 when it reached its goal. */
  program: string
  args: readonly string[]
  /** Where the faults strike: in the program, or in the processes that it starts. */
  place: 'program' | 'children'
  /** Makes what the program finds, once; every run gets a copy. */
  prepare(folder: string): Promise<void>
  /** Invariants of ATTACKS K that do not hold: at once, and after a restart in this process. Empty is good. */
  violations(folder: string, aftermath: Aftermath): Promise<string[]>
  /** A server that the program asks; its URL is the first of `args` then. */
  serve?(folder: string): Promise<{ url: string; close(): Promise<void> }>
}
