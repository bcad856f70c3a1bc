import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readDataSets, withFewer } from './routing-data.ts'

type Nlp = {
  settings: Record<string, unknown>
  addLanguage: (language: string) => void
  addDocument: (language: string, text: string, intent: string) => void
  train: () => Promise<void>
  process: (language: string, text: string) => Promise<{ intent: string }>
}
type Container = { use: (plugin: unknown) => void; get: (name: 'nlp') => Nlp }

/** Child process of the bench: `routing-nlpjs.js <folder with @nlpjs/basic> <data set>` prints figures of nlp.js. */
const [folder = '.', wanted = ''] = process.argv.slice(2)
const load = createRequire(join(folder, 'package.json'))
const found = readDataSets().find(({ name }) => name === wanted)
if (found) {
  const data = withFewer(found, 10)
  const { containerBootstrap } = load('@nlpjs/core') as { containerBootstrap: () => Promise<Container> }
  const container = await containerBootstrap()
  container.use((load('@nlpjs/nlp') as { Nlp: unknown }).Nlp)
  container.use((load('@nlpjs/lang-en') as { LangEn: unknown }).LangEn)
  const nlp = container.get('nlp')
  Object.assign(nlp.settings, { autoSave: false, log: false, nlu: { log: false } })
  nlp.addLanguage('en')
  for (const { text, intent } of data.train) nlp.addDocument('en', text, intent)
  const start = process.cpuUsage()
  await nlp.train()
  const used = process.cpuUsage(start)
  const compileMs = (used.user + used.system) / 1000
  let right = 0
  const asked = performance.now()
  for (const { text, intent } of data.validation) right += (await nlp.process('en', text)).intent === intent ? 1 : 0
  const us = ((performance.now() - asked) * 1000) / data.validation.length
  const figures = { name: data.name, accuracy: (100 * right) / data.validation.length, compileMs, us }
  process.stdout.write(`\n${JSON.stringify(figures)}`)
}
