import { ONTOLOGY } from '../../../runtime/bundle/layout.ts'
import type { ParsedBundle } from '../../../runtime/bundle/parse.ts'
import { examineOntology, type Examination } from '../../../runtime/engine/routing/examine.ts'
import type { Finding } from '../../../schemas/finding.ts'

/** Utterances that were left out of training, one at a time, and the share that still found their intent. */
export type LeaveOneOut = { utterances: number; accuracy: number }

export type RoutingLint = { findings: Finding[]; leaveOneOut: LeaveOneOut }

/**
 * What makes questions go astray, where it stands in the ontology, and the words responsible. Nothing of it is an
 * error; an utterance that only goes elsewhere when it is left out is a note. Trains once: a second for a few hundred
 * utterances, half a minute for ten thousand.
 */
export function lintRouting({ name, parsed }: { name: string; parsed: ParsedBundle }): RoutingLint {
  const examination = examineOntology(parsed.ontology)
  const findings = findingsOf(examination, parsed).map(({ pointer, severity, message, hint }): Finding => ({
    gate: 'ontology',
    code: 'ONTOLOGY_INVALID',
    severity,
    path: `bundles/${name}/${ONTOLOGY}`,
    ...parsed.at(ONTOLOGY, pointer),
    message,
    hint,
  }))
  const { utterances, accuracy } = examination
  return { findings, leaveOneOut: { utterances, accuracy } }
}

/** From so many utterances on, two intents are confused. */
const OFTEN = 2

type Found = { pointer: (string | number)[]; severity: 'warning' | 'note'; message: string; hint: string }

function findingsOf(
  { duplicates, unreachable, scarce, confusions, misrouted }: Examination,
  { ontology: { intents } }: ParsedBundle,
): Found[] {
  const indexes = new Map(intents.map(({ name }, index) => [name, index]))
  const intentAt = (name: string) => ['intents', indexes.get(name) ?? 0, 'name']
  /** Of an utterance, or of the title that counts as one. */
  const textAt = (name: string, text: string) => {
    const index = indexes.get(name) ?? 0
    const position = intents[index]?.utterances.indexOf(text) ?? -1
    return position < 0 ? ['intents', index, 'title'] : ['intents', index, 'utterances', position]
  }
  const wordsOf = (from: string, to: string) =>
    confusions.find(({ intent, routed }) => intent === from && routed === to)?.words.join(', ') ?? ''
  const warn = (pointer: Found['pointer'], message: string, hint: string): Found => {
    return { pointer, severity: 'warning', message, hint }
  }
  return [
    ...duplicates.map(({ texts, intents: [first, second], likeness }) =>
      warn(
        textAt(second, texts[1]),
        `"${texts[1]}" of "${second}" is ${likeness === 1 ? 'the same as' : 'nearly'} "${texts[0]}" of "${first}".`,
        'Keep the one that is right, or say in both what makes the difference.',
      ),
    ),
    ...unreachable.map((intent) =>
      warn(
        intentAt(intent),
        `"${intent}" does not answer even one of its own utterances.`,
        'Lower its threshold, or give it words that no other intent has.',
      ),
    ),
    ...scarce.map(({ intent, utterances }) =>
      warn(
        intentAt(intent),
        `"${intent}" has ${utterances} different texts, its title included; questions will miss it.`,
        'Write at least five utterances, in the words of the people who ask.',
      ),
    ),
    ...confusions
      .filter(({ count }) => count >= OFTEN)
      .map(({ intent, routed, count, words }) =>
        warn(
          intentAt(intent),
          `${count} of the utterances of "${intent}" go to "${routed}" when left out, by the words: ${words.join(', ')}.`,
          `Add utterances to "${intent}" that have these words, or negatives to "${routed}".`,
        ),
      ),
    ...misrouted.map(({ text, intent, routed }): Found => ({
      pointer: textAt(intent, text),
      severity: 'note',
      message: `"${text}" of "${intent}" goes to "${routed}" when it is left out, by the words: ${wordsOf(intent, routed)}.`,
      hint: 'Add another utterance that says the same in other words, or move it.',
    })),
  ]
}
