import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLog, type LogData } from '../../../runtime/http/log.ts'
import { Fault } from '../../../schemas/fault.ts'
import { apiKey } from '../../support/runtime-app.ts'

function logged(use: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = []
  use(createLog('debug', { write: (line: string) => void lines.push(line) }))
  return lines
}

describe('a log line (I)', () => {
  it('is one JSON object on one line, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.dictionary(fc.string({ maxLength: 9 }), fc.string({ unit: 'binary', maxLength: 60 }), { maxKeys: 3 }),
        (message, data) => {
          const [line = '', ...more] = logged((log) => log.info(message, data))
          expect(more).toEqual([])
          expect(line.split(/\r\n|[\n\r\u2028\u2029]/)).toHaveLength(2)
          expect(JSON.parse(line)).toMatchObject({ level: 30 })
        },
      ),
    )
  })

  it('cannot be given another level, time or message', () => {
    const forged = { level: 60, time: 0, msg: 'forged', hostname: 'x' }
    const [line = ''] = logged((log) => log.info('true', forged))
    expect(line.match(/"level":/g)).toHaveLength(2)
    const { data, ...own } = JSON.parse(line) as { data: object; level: number; msg: string }
    expect(own).toMatchObject({ level: 30, msg: 'true' })
    expect(data).toEqual(forged)
  })

  it('shows neither controls nor what cannot be seen', () => {
    const [line = ''] = logged((log) => log.warn('a\u202eb\u200b', { tenant: 'x\u001b[31m\u2028y' }))
    expect(line).not.toMatch(/[\u202e\u200b\u2028]/)
    expect(line).not.toMatch(/u001b/i)
    expect(line).not.toContain(String.fromCharCode(27))
  })

  it('is cut where it would be long', () => {
    const [line = ''] = logged((log) => log.info('x', { text: 'y'.repeat(5_000_000) }))
    expect(line.length).toBeLessThan(2_000)
  })

  it('holds no key, wherever it stands', () => {
    const key = apiKey('acme')
    const lines = logged((log) => {
      log.info(`for ${key}`, { tenant: key })
      log.error('failed', new Fault('INTERNAL', `with ${key}`, { cause: new Error(key) }))
      log.error('failed', Object.assign(new Error(key), { config: { headers: { 'X-Api-Key': key } } }))
    })
    expect(lines).toHaveLength(3)
    expect(lines.join('')).not.toContain(key)
    expect(lines.join('')).not.toContain('a'.repeat(64))
  })

  it('tells of an unknown error its name and place, not its message', () => {
    const [line = ''] = logged((log) => log.error('failed', new TypeError('CANARY')))
    expect(line).toContain('TypeError')
    expect(line).not.toContain('CANARY')
  })

  it('that cannot be written fails nobody', () => {
    const data = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    }) as LogData
    expect(() => logged((log) => log.info('x', data))).not.toThrow()
  })
})
