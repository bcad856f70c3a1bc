import { createHash } from 'node:crypto'
import { Fault } from '../../../schemas/fault.ts'
import { readBytes, type ByteReader } from './byte-reader.ts'
import { writeBytes, type ByteWriter } from './byte-writer.ts'
import type { FeatureTable, RouterModel, TrainedIntent } from './model.ts'
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
    out.list(intent.utterances, out.text)
  })
  writeFeatures(out, model.features)
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
    utterances: input.list(input.text),
  }))
  expect(
    intents.length < 65_536 && intents.every(({ name }, i) => i === 0 || (intents[i - 1]?.name ?? '') < name),
    'expected intents in order',
  )
  const features = readFeatures(input, intents.length)
  expect(input.remaining() === 0, `found ${input.remaining()} bytes after its end`)
  return { rules, fallback, minMargin, scoring, intents, features }
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

/** Ascending hashes as differences, then for each feature its intents as differences, each with a weight. */
function writeFeatures(out: ByteWriter, table: FeatureTable): void {
  out.varint(table.count)
  out.varint(table.weights.length)
  let before = 0
  for (let i = 0; i < table.count; i++) {
    const high = (table.high[i] as number) >>> 0
    out.varint(high - before)
    out.u16(table.low[i] as number)
    before = high
    const from = table.starts[i] as number
    const to = table.starts[i + 1] as number
    out.varint(to - from)
    for (let k = from, last = 0; k < to; k++) {
      out.varint((table.intentOf[k] as number) - last)
      out.i8(table.weights[k] as number)
      last = table.intentOf[k] as number
    }
  }
}

function readFeatures(input: ByteReader, intents: number): FeatureTable {
  const count = input.varint()
  const total = input.varint()
  expect(count * 4 + total * 2 <= input.remaining(), `expected ${count} features with ${total} weights`)
  const table: FeatureTable = {
    count,
    high: new Int32Array(count),
    low: new Uint16Array(count),
    starts: new Int32Array(count + 1),
    intentOf: new Uint16Array(total),
    weights: new Int8Array(total),
  }
  let high = 0
  let at = 0
  for (let i = 0; i < count; i++) {
    high += input.varint()
    const postings = ((table.low[i] = input.u16()), input.varint())
    expect(high < 2 ** 32 && at + postings <= total, `feature ${i} is out of bounds`)
    table.high[i] = high | 0
    let intent = 0
    for (let k = 0; k < postings; k++) {
      intent += input.varint()
      expect(intent < intents, `feature ${i} names intent ${intent} of ${intents}`)
      table.intentOf[at] = intent
      table.weights[at] = input.i8()
      at += 1
    }
    table.starts[i + 1] = at
  }
  expect(at === total, `expected ${total} weights, found ${at}`)
  return table
}

function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Fault('BUNDLE_UNVERIFIED', `${WHAT}: ${message}`)
}
