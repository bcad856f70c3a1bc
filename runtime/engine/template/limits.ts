/** Characters of a template's source. */
export const MAX_SOURCE_CHARS = 65_536
/** Tokens of a template's source. */
export const MAX_TOKENS = 10_000
/** Brackets within brackets. */
export const MAX_BRACKETS = 12
/** Blocks within blocks, each `elif` counted as one more, because the parser recurses at each. */
export const MAX_BLOCKS = 48
/** `not`, `-` and `+` one after another. */
export const MAX_PREFIXES = 4
/** Spaces one after another in text; the parser trims text with a pattern that is quadratic in them. */
export const MAX_SPACES = 256
/** Expressions within expressions, statements within statements. */
export const MAX_DEPTH = 48
/** Keys of a path, such as `facts.a.b`. */
export const MAX_PATH = 8

/** Turns of one loop. */
export const MAX_TURNS = 1_000
/** Steps of one rendering: one for each node that is visited, and one for each 64 characters or 8 items handled. */
export const MAX_STEPS = 100_000
/** Bytes of one rendering, and characters of any text on the way. */
export const MAX_OUTPUT = 1_048_576
