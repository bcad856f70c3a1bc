import { pino, type DestinationStream, type Logger } from 'pino'
import { Fault } from '../../schemas/fault.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What a line may say besides its message. Nothing of a body, header or key ever is a field. */
export type LogData = Record<string, string | number | boolean | null | undefined>

export type Log = {
  debug(message: string, data?: LogData): void
  info(message: string, data?: LogData): void
  warn(message: string, data?: LogData): void
  /** @param error its reason or name and where it was thrown are written; its message only if it is a Fault */
  error(message: string, error: unknown, data?: LogData): void
}

export type LeveledLog = Log & { setLevel(level: LogLevel): void }

const MAX_CHARS = 1_000
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu
const KEY = /ctr_[a-z0-9-]{1,63}_[a-z0-9-]{1,63}_[0-9a-f]{64}/g

/** Text as a line may hold it: keys struck out, nothing invisible, at most 1,000 characters. */
export function safeText(text: string): string {
  const capped = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text
  return capped.replace(KEY, 'ctr_***').replace(INVISIBLE, '\ufffd')
}

function safeData(data: LogData): LogData {
  const safe: LogData = {}
  for (const [name, value] of Object.entries(data)) safe[name] = typeof value === 'string' ? safeText(value) : value
  return safe
}

function describeError(error: unknown): LogData {
  if (error instanceof Fault) {
    const cause = error.cause instanceof Error ? error.cause : null
    return { reason: error.reason, detail: error.message, ...(cause === null ? {} : describeError(cause)) }
  }
  if (!(error instanceof Error)) return { error: typeof error }
  const code = (error as NodeJS.ErrnoException).code
  return {
    error: error.name,
    code,
    at: error.stack
      ?.split('\n')
      .find((line) => line.startsWith('    at '))
      ?.trim(),
  }
}

/**
 * JSON lines. What a caller gives stands under the one member `data`, so that it can never pass for the level, time
 * or message of a line; a log that cannot be written never fails a request.
 */
export function createLog(level: LogLevel, destination: DestinationStream): LeveledLog {
  const logger: Logger = pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  )
  const write = (at: 'debug' | 'info' | 'warn' | 'error', message: string, data: LogData) => {
    if (!logger.isLevelEnabled(at)) return
    try {
      logger[at]({ data: safeData(data) }, safeText(message))
    } catch {
      logger.error('a line could not be written')
    }
  }
  return {
    setLevel(now) {
      logger.level = now
    },
    debug: (message, data = {}) => write('debug', message, data),
    info: (message, data = {}) => write('info', message, data),
    warn: (message, data = {}) => write('warn', message, data),
    error: (message, error, data = {}) => write('error', message, { ...describeError(error), ...data }),
  }
}
