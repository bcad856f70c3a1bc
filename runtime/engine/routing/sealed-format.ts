import { createHash } from 'node:crypto'
import { Fault } from '../../../schemas/fault.ts'
import { readBytes, type ByteReader } from './byte-reader.ts'
import { writeBytes, type ByteWriter } from './byte-writer.ts'
import { readFeatureTable, writeFeatureTable } from './feature-table-format.ts'
import type { RouterModel, TrainedIntent } from './model.ts'
import type { ReadingRules } from './reading.ts'
import { isStemmer, openStemmer, STEMMER_LIBRARY } from './stemmer.ts'
import { isUnspaced } from './words.ts'

const MAGIC = 'CTRROUTE'
const VERSION = 1
const WHAT = 'sealed/router.bin'
const DIGEST_BYTES = 32

/** Bytes of a router, in the format that docs/routing.md describes: one model has one encoding. */
export function encodeRouter(model: RouterModel): Buffer {
  const out = writeBytes()
  out.put(Buffer.from(MAGIC, 'latin1'))
  out.u16(VERSION)
  out.text(STEMMER_LIBRARY)
  out.text(unicodeOf(model.rules))
  writeRules(out, model.rules)
  out.text(model.fallback)
  out.f64(model.minMargin)
  out.f64(model.scoring.slope)
  out.f64(model.scoring.offset)
  out.list(model.intents, (intent) => {
    out.text(intent.name)
    out.f64(intent.threshold)
    out.f64(intent.scale)
    out.f64(intent.bias)
    out.varint(intent.utterances.length)
    out.put(intent.utterances)
  })
  out.text(model.vocabulary.map(({ word }) => word).join('\n'))
  out.list(model.vocabulary, ({ texts }) => out.varint(texts))
  writeFeatureTable(out, model.features, model.intents.length)
  const body = out.bytes()
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

/**
 * @throws Fault `BUNDLE_UNVERIFIED` for bytes that no compiler wrote; `INCOMPATIBLE_RUNTIME` where this process would
 *   read words in another way than the process that compiled.
 */
export function decodeRouter(bytes: Buffer): RouterModel {
  const end = bytes.length - DIGEST_BYTES
  expect(end > 0, `expected at least ${DIGEST_BYTES} bytes, found ${bytes.length}`)
  const body = bytes.subarray(0, end)
  const digest = createHash('sha256').update(body).digest()
  expect(digest.equals(bytes.subarray(end)), 'the digest at its end is not that of its content')
  const input = readBytes(body, WHAT)
  expect(input.take(MAGIC.length).toString('latin1') === MAGIC, `expected ${MAGIC} at its start`)
  expect(input.u16() === VERSION, `expected format version ${VERSION}`)
  const library = input.text()
  const unicode = input.text()
  const rules = readRules(input)
  assertSameReading(library, unicode, rules)
  const fallback = input.text()
  const minMargin = input.f64()
  const scoring = { slope: input.f64(), offset: input.f64() }
  const intents = input.list((): TrainedIntent => ({
    name: input.text(),
    threshold: input.f64(),
    scale: input.f64(),
    bias: input.f64(),
    utterances: input.take(input.varint()),
  }))
  expect(
    intents.length < 65_536 && intents.every(({ name }, i) => i === 0 || (intents[i - 1]?.name ?? '') < name),
    'expected intents in order',
  )
  const words = input.text().split('\n')
  const texts = input.varints(input.varint())
  expect(words.length === texts.length || texts.length === 0, 'expected a count for every word')
  const vocabulary = [...texts].map((count, i) => ({ word: words[i] ?? '', texts: count }))
  const features = readFeatureTable(input, intents.length, WHAT)
  expect(input.remaining() === 0, `found ${input.remaining()} bytes after its end`)
  return { rules, fallback, minMargin, scoring, intents, vocabulary, features }
}

/** Words are found by the tables of `Intl.Segmenter` only in languages without spaces; only there they matter. */
function unicodeOf(rules: ReadingRules): string {
  return isUnspaced(rules.language) ? (process.versions['unicode'] ?? '') : ''
}

function assertSameReading(library: string, unicode: string, rules: ReadingRules): void {
  const found = `${STEMMER_LIBRARY}, Unicode ${unicodeOf(rules)}`
  if (library === STEMMER_LIBRARY && unicode === unicodeOf(rules)) return
  const message = `${WHAT}: compiled with ${library}, Unicode ${unicode}; this process has ${found}; use the Runtime that the bundle was sealed for, or seal a new version`
  throw new Fault('INCOMPATIBLE_RUNTIME', message)
}

function writeRules(out: ByteWriter, rules: ReadingRules): void {
  out.text(rules.language)
  out.varint(rules.foldAccents ? 1 : 0)
  out.text(rules.stemmer)
  out.list(rules.stopWords, out.text)
  out.list(rules.synonyms, ({ canonical, variants }) => {
    out.text(canonical)
    out.list(variants, out.text)
  })
}

function readRules(input: ByteReader): ReadingRules {
  const language = input.text()
  const foldAccents = input.varint() === 1
  const stemmer = input.text()
  if (!isStemmer(stemmer)) throw new Fault('BUNDLE_UNVERIFIED', `${WHAT}: unknown stemmer "${stemmer}"`)
  openStemmer(stemmer)
  const stopWords = input.list(input.text)
  const synonyms = input.list(() => ({ canonical: input.text(), variants: input.list(input.text) }))
  return { language, foldAccents, stemmer, stopWords, synonyms }
}

function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Fault('BUNDLE_UNVERIFIED', `${WHAT}: ${message}`)
}
