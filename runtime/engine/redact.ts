import { Fault } from '../../schemas/fault.ts'
import type { RedactionPolicy } from '../../schemas/registry/policies.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import { matchView } from './redaction-view.ts'

/** `redacted` counts the places that were replaced. */
export type Redacted = { value: unknown; redacted: number }
export type Redactor = (value: unknown) => Redacted

/** Characters times instructions of one redaction, over all rules: about half a second at the very worst. */
const MAX_WORK = 30_000_000
const MAX_DEPTH = 64
/** Texts found clean that are remembered, and their length in characters: answers repeat, and matching costs the most. */
const MAX_REMEMBERED = 256
const MAX_REMEMBERED_CHARS = 2_048

type Rule = Pattern & { replacement: string }

/**
 * Replaces what the rules match in every text of a value. Each rule is matched against the text as it stands and
 * against the text as it looks (`redaction-view.ts`), and what is replaced is the original.
 * The redactor itself throws Fault `OUTPUT_INVALID` where it cannot finish: then nothing of the value may leave.
 * @throws Fault `POLICY_INVALID` for a rule that is no RE2 pattern, or that matches nothing at all.
 */
export function compileRedactor({ rules }: RedactionPolicy): Redactor {
  const compiled = rules.map(({ name, pattern, replacement }): Rule => {
    const found = compilePattern(pattern)
    if (typeof found === 'string') throw new Fault('POLICY_INVALID', `redaction rule ${name}: the pattern ${found}.`)
    if (found.re.test(''))
      throw new Fault('POLICY_INVALID', `redaction rule ${name}: the pattern matches the empty text.`)
    return { ...found, replacement }
  })
  const size = compiled.reduce((sum, rule) => sum + rule.size, 0)
  const clean = rememberTexts()
  return (value) => {
    let work = 0
    let redacted = 0
    const redactText = (text: string): string => {
      work += text.length * size
      if (work > MAX_WORK) throw new Fault('OUTPUT_INVALID', 'The output is too large to be redacted; render less.')
      if (clean.has(text)) return text
      const spans = spansOf(text, compiled)
      if (spans.length === 0) clean.add(text)
      redacted += spans.length
      return replaceSpans(text, spans)
    }
    return { value: mapTexts(value, redactText, 0), redacted }
  }
}

/** Only texts in which nothing was found, so that nothing is kept that a rule would remove. */
function rememberTexts(): { has(text: string): boolean; add(text: string): void } {
  const texts = new Set<string>()
  return {
    has: (text) => texts.has(text),
    add(text) {
      if (text.length > MAX_REMEMBERED_CHARS) return
      if (texts.size >= MAX_REMEMBERED) texts.clear()
      texts.add(text)
    },
  }
}

type Span = { start: number; end: number; replacement: string }

function spansOf(text: string, rules: readonly Rule[]): Span[] {
  const view = matchView(text)
  const spans = rules.flatMap((rule) => [
    ...matches(rule, text),
    ...(view === null
      ? []
      : matches(rule, view.text).map(({ start, end, replacement }) => ({
          start: view.startOf(start),
          end: view.endOf(end),
          replacement,
        }))),
  ])
  return merged(spans)
}

function matches({ re, replacement }: Rule, text: string): Span[] {
  if (!re.test(text)) return []
  const spans: Span[] = []
  const matcher = re.matcher(text)
  while (matcher.find()) {
    if (matcher.end() > matcher.start()) spans.push({ start: matcher.start(), end: matcher.end(), replacement })
  }
  return spans
}

/** Overlapping matches become one, under the replacement of the rule that stands first among them. */
function merged(spans: readonly Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  const result: Span[] = []
  for (const span of sorted) {
    const last = result.at(-1)
    if (last !== undefined && span.start < last.end) last.end = Math.max(last.end, span.end)
    else result.push({ ...span })
  }
  return result
}

function replaceSpans(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text
  let from = 0
  const parts = spans.map(({ start, end, replacement }) => {
    const part = text.slice(from, start) + replacement
    from = end
    return part
  })
  return parts.join('') + text.slice(from)
}

/** The value itself where no text changes. */
function mapTexts(value: unknown, change: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return change(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) throw new Fault('OUTPUT_INVALID', `The output is more than ${MAX_DEPTH} levels deep.`)
  if (Array.isArray(value)) {
    const items = value.map((item) => mapTexts(item, change, depth + 1))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  const entries = Object.entries(value).map(([key, item]) => [key, mapTexts(item, change, depth + 1)] as const)
  return entries.every(([key, item]) => item === (value as Record<string, unknown>)[key])
    ? value
    : Object.fromEntries(entries)
}
