import { rules } from '@secretlint/secretlint-rule-preset-recommend'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { placesOf } from '../../schemas/document.ts'
import { SECRET_FORMS } from './secret-forms.ts'

/** A secret in a file: where it stands and of what kind it is, and nothing of the secret itself. */
export type FoundSecret = { path: string; line: number; column: number; kind: string }

type Span = { from: number; to: number; kind: string }
type Rule = (typeof rules)[number]
type RuleContext = Parameters<Rule['create']>[0]
type RuleSource = Parameters<NonNullable<ReturnType<Rule['create']>['file']>>[0]

/** A comment in a bundle could silence the scanner: that rule is left out. */
const SILENCING = '@secretlint/secretlint-rule-filter-comments'

/** Numbers of accounts are no secrets, and twelve digits after the word stand in many an honest answer. */
const NO_SECRETS = new Set(['AWSAccountID'])

const RULES = rules.filter(({ meta }) => meta.id !== SILENCING)

/** Of one kind in one file; a file that is full of them is as wrong as one that holds as many. */
const MOST = 100

/**
 * Scans every file of a bundle, in the order of their paths; deterministic, and without a look at disk or network. The
 * rules are secretlint's; its core is not used, because it needs minutes for a file with ten thousand secrets.
 */
export function findSecrets(files: BundleFiles): FoundSecret[] {
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, body]) => {
      const text = body.toString('utf8')
      const placeOf = placesOf(text)
      const spans = firstOfEach([...RULES.flatMap((rule) => spansOf(rule, text, path)), ...ownSpansOf(text)])
      return spans.map(({ from, kind }) => ({ path, ...placeOf(from), kind }))
    })
}

/** Ends the run of a rule that has found enough. */
const ENOUGH = new Error('enough')

function spansOf(rule: Rule, content: string, path: string): Span[] {
  const spans: Span[] = []
  const name = rule.meta.id.slice(rule.meta.id.lastIndexOf('-rule-') + '-rule-'.length)
  const context: RuleContext = {
    sharedOptions: {},
    createTranslator: () => (messageId) => ({ message: '', messageId: String(messageId), data: {} }),
    report({ message: { messageId }, range: [from, to] }) {
      if (!NO_SECRETS.has(messageId)) spans.push({ from, to, kind: `${name}: ${messageId}` })
      if (spans.length >= MOST) throw ENOUGH
    },
    ignore() {},
  }
  try {
    void rule.create(context, { enableIDScanRule: true }).file?.(sourceOf(content, path))
  } catch (error) {
    if (error !== ENOUGH) throw error
  }
  return spans
}

/** No path: a rule that would read a file from the disk does not run. */
function sourceOf(content: string, path: string): RuleSource {
  const nowhere = (): never => {
    throw new Error('this source has no places')
  }
  return {
    content,
    contentType: 'text',
    ext: path.endsWith('.json') ? '.json' : '',
    hasBOM: false,
    filePath: undefined,
    physicalFilePath: undefined,
    getFilePath: () => undefined,
    getPhysicalFilePath: () => undefined,
    locationToRange: nowhere,
    rangeToLocation: nowhere,
    positionToIndex: nowhere,
    indexToPosition: nowhere,
  }
}

function ownSpansOf(text: string): Span[] {
  return SECRET_FORMS.flatMap(({ name, pattern }) =>
    [...text.matchAll(pattern)]
      .slice(0, MOST)
      .map(({ 0: match, index }) => ({ from: index, to: index + match.length, kind: name })),
  )
}

/** One secret has one finding, however many rules know it; of those that begin at one place the first given stays. */
function firstOfEach(spans: readonly Span[]): Span[] {
  const kept: Span[] = []
  let end = 0
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    if (span.from < end) continue
    kept.push(span)
    end = span.to
  }
  return kept
}
