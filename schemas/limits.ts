/** What a file may hold at most; every file kind names its limits, and nothing is parsed without them. */
export type Limits = {
  bytes: number
  lines: number
  /** UTF-16 code units of one line. */
  lineLength: number
  /** Objects and arrays inside each other. */
  depth: number
  /** Values of every kind. */
  nodes: number
  /** Keys of one object. */
  keys: number
}

const MIB = 1024 * 1024

/** Files that people write by hand. */
export const HAND_WRITTEN: Limits = {
  bytes: 256 * 1024,
  lines: 5_000,
  lineLength: 16_384,
  depth: 32,
  nodes: 20_000,
  keys: 1_000,
}

/** An ontology: 15,000 utterances and more. */
export const CATALOGUE: Limits = {
  bytes: MIB,
  lines: 60_000,
  lineLength: 16_384,
  depth: 32,
  nodes: 60_000,
  keys: 2_000,
}

/** A suite: 15,000 cases and more, perhaps on one line. */
export const CASES: Limits = { bytes: MIB, lines: MIB, lineLength: MIB, depth: 32, nodes: 200_000, keys: 1_000 }

/** Templates, documents and other text. */
export const TEXT: Limits = { bytes: MIB, lines: 60_000, lineLength: 65_536, depth: 0, nodes: 0, keys: 0 }

/** Files of `live`, which the controller writes. */
export const LEDGER: Limits = { bytes: 8 * MIB, lines: MIB, lineLength: MIB, depth: 32, nodes: 500_000, keys: 20_000 }
