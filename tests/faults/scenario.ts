import { cp } from 'node:fs/promises'
import type { Place } from './machine.ts'

/** Exit code of a program that reached its goal, of one that did not, and of one that could not start and said why. */
export const DONE = 0
export const NOT_DONE = 4
export const REFUSED = 3

/** What a program is given. */
export type Task = {
  folder: string
  /** Of the server, where the scenario has one. */
  url: string
  /** Writes to its standard output. */
  tell: (text: string) => void
}

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
  /** Answers the exit code. */
  program: (task: Task) => Promise<number>
  place: Place
  /** Whether the time decides about what it does. */
  looksAtTheClock: boolean
  /** Makes what the program finds, once; every run gets a copy. */
  prepare(folder: string): Promise<void>
  /** Invariants of ATTACKS K that do not hold: at once, and after a restart in this process. Empty is good. */
  violations(folder: string, aftermath: Aftermath): Promise<string[]>
  /** A server that the program asks. */
  serve?(folder: string): Promise<{ url: string; close(): Promise<void> }>
}
