import { createInterface } from 'node:readline/promises'
import { Fault } from '../../../schemas/fault.ts'

/** Asks a person, one line at a time. */
export type Prompt = {
  /** What they typed, without space around it; `preset` for an empty line. */
  ask(question: string, preset?: string): Promise<string>
  close(): void
}

/** Null where nobody is there to answer, or a program reads what is printed. */
export function openPrompt(json: boolean): Prompt | null {
  if (json || !process.stdin.isTTY || !process.stdout.isTTY) return null
  const reader = createInterface({ input: process.stdin, output: process.stdout })
  // The iterator keeps lines that were pasted before they were asked for.
  const lines = reader[Symbol.asyncIterator]()
  let isOpen = true
  reader.once('close', () => (isOpen = false))
  return {
    async ask(question, preset) {
      reader.setPrompt(preset === undefined || preset === '' ? `${question} ` : `${question} [${preset}] `)
      // A prompt after Ctrl-D would read on, and the command would not end.
      if (isOpen) reader.prompt()
      const { value, done } = await lines.next()
      if (done === true) throw new Fault('USAGE', 'Nothing was written: the questions were not answered to the end.')
      return value.trim() === '' ? (preset ?? '') : value.trim()
    },
    close: () => reader.close(),
  }
}
