import { Fault } from '../../../schemas/fault.ts'
import { evaluate, fail, valueOf, type Evaluation } from './evaluate.ts'
import { kindOf } from './filter.ts'
import { MAX_OUTPUT, MAX_TURNS } from './limits.ts'
import { startMeter } from './meter.ts'
import type { Expression, Statement, Template } from './syntax.ts'
import { textOf } from './text-filters.ts'

export type TemplateContext = { input: unknown; intent: string; facts: unknown; values: unknown }

/** `steps` is what the rendering cost, the same on every machine. */
export type Rendering = { text: string; steps: number }

export type Branching = Statement & { kind: 'if' | 'for' }
export type Branch = 'body' | 'otherwise'
/** Told of every branch that a rendering takes. */
export type Visit = (branching: Branching, branch: Branch) => void

/**
 * The text of a template. It is text and no markup: it leaves as a JSON string, so nothing is escaped unless the
 * filter `escape` says so. The context is read through own data properties only and never changed.
 * @throws Fault `OUTPUT_INVALID` for what is undefined or of the wrong kind, `BUDGET_EXCEEDED` past the limits.
 */
export function renderTemplate(template: Template, context: TemplateContext, visit: Visit = () => {}): Rendering {
  const meter = startMeter(template.path)
  const names = new Map<string, unknown>([
    ['input', context.input],
    ['intent', context.intent],
    ['facts', context.facts],
    ['values', context.values],
  ])
  const sink = startSink(template.path, visit)
  renderBody(template.body, { path: template.path, names, meter }, sink)
  return { text: sink.parts.join(''), steps: meter.steps() }
}

type Sink = { parts: string[]; visit: Visit; write(text: string): void }

function startSink(path: string, visit: Visit): Sink {
  const parts: string[] = []
  let bytes = 0
  return {
    parts,
    visit,
    write(text) {
      bytes += Buffer.byteLength(text)
      if (bytes > MAX_OUTPUT) {
        throw new Fault('BUDGET_EXCEEDED', `${path}: the output is larger than ${MAX_OUTPUT} bytes; render less.`)
      }
      parts.push(text)
    },
  }
}

function renderBody(body: readonly Statement[], at: Evaluation, sink: Sink): void {
  for (const statement of body) {
    at.meter.spend(0)
    switch (statement.kind) {
      case 'text':
        sink.write(statement.text)
        break
      case 'output':
        sink.write(printed(statement.expression, at))
        break
      case 'if':
        renderBranch(statement, evaluate(statement.condition, at) ? 'body' : 'otherwise', at, sink)
        break
      case 'for':
        renderLoop(statement, at, sink)
        break
      default:
        statement satisfies never
    }
  }
}

function renderBranch(branching: Branching, branch: Branch, at: Evaluation, sink: Sink): void {
  sink.visit(branching, branch)
  renderBody(branching[branch], at, sink)
}

function printed(expression: Expression, at: Evaluation): string {
  const value = valueOf(expression, at)
  try {
    return textOf(value)
  } catch (error) {
    if (error instanceof Fault && error.reason === 'OUTPUT_INVALID')
      return fail(expression, at, `the value ${error.message}.`)
    throw error
  }
}

function renderLoop(loop: Statement & { kind: 'for' }, at: Evaluation, sink: Sink): void {
  const list = valueOf(loop.list, at)
  if (!Array.isArray(list)) return fail(loop, at, `a loop runs over a list, found ${kindOf(list)}.`)
  if (list.length > MAX_TURNS) {
    throw new Fault(
      'BUDGET_EXCEEDED',
      `${at.path}:${loop.line}:${loop.column}: a loop takes at most ${MAX_TURNS} turns, found ${list.length}.`,
    )
  }
  if (list.length === 0) return renderBranch(loop, 'otherwise', at, sink)
  sink.visit(loop, 'body')
  const { length } = list
  for (const [index, item] of list.entries()) {
    const turn = { index: index + 1, index0: index, first: index === 0, last: index === length - 1, length }
    renderBody(loop.body, { ...at, names: new Map([...at.names, [loop.name, item], ['loop', turn]]) }, sink)
  }
}
