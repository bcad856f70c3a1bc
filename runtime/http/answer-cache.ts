/**
 * Answers by the exact text that was asked, kept apart by scope: a tenant as it is served at one moment, so that a change
 * of its bundle, its values or the policies over it is another scope. The scope and the answer that were not asked for
 * longest go first; nothing outlives its time.
 */
export type AnswerCache<Scope extends object, Answer> = {
  get(scope: Scope, question: string, nowMs: number): Answer | null
  /** Keeps an answer until `expiresMs`, and at most `maxEntries` in its scope. */
  put(scope: Scope, question: string, answer: Answer, limits: { expiresMs: number; maxEntries: number }): void
  /** Answers that are kept. */
  size(): number
}

/** @param maxTotal answers of all scopes together */
export function createAnswerCache<Scope extends object, Answer>(maxTotal: number): AnswerCache<Scope, Answer> {
  const scopes = new Map<Scope, Map<string, { answer: Answer; expiresMs: number }>>()
  let total = 0

  function makeRoom(): void {
    for (const [scope, answers] of scopes) {
      if (total <= maxTotal) return
      scopes.delete(scope)
      total -= answers.size
    }
  }

  return {
    get(scope, question, nowMs) {
      const answers = scopes.get(scope)
      const found = answers?.get(question)
      if (answers === undefined || found === undefined) return null
      answers.delete(question)
      if (found.expiresMs <= nowMs) {
        total -= 1
        if (answers.size === 0) scopes.delete(scope)
        return null
      }
      answers.set(question, found)
      return found.answer
    },
    put(scope, question, answer, { expiresMs, maxEntries }) {
      if (maxEntries <= 0) return
      const answers = scopes.get(scope) ?? new Map<string, { answer: Answer; expiresMs: number }>()
      scopes.delete(scope)
      scopes.set(scope, answers)
      if (answers.delete(question)) total -= 1
      answers.set(question, { answer, expiresMs })
      total += 1
      for (const oldest of answers.keys()) {
        if (answers.size <= maxEntries) break
        answers.delete(oldest)
        total -= 1
      }
      makeRoom()
    },
    size: () => total,
  }
}
