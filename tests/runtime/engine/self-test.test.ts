import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle, underFloor, type LoadedBundle } from '../../../runtime/bundle/load.ts'
import { selfTest } from '../../../runtime/engine/self-test.ts'
import { Fault } from '../../../schemas/fault.ts'
import { bundleSource } from '../../support/bundle-source.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const bundle = loadBundle(compileBundle(bundleSource(), 1).files)

function redacting(redact: LoadedBundle['redact']): LoadedBundle {
  return { ...bundle, redact }
}

describe('the self-test of a bundle', () => {
  it('passes what answers, with a suite and without', () => {
    const withoutSuites = new Map([...bundle.files].filter(([path]) => !path.startsWith('suites/')))
    for (const files of [bundle.files, withoutSuites]) expect(() => selfTest({ ...bundle, files })).not.toThrow()
  })

  it('takes a refusal by a policy for an answer', () => {
    expect(() => selfTest(underFloor(bundle, { security: { allowed_intents: [] } }))).not.toThrow()
    const invalid = redacting(() => {
      throw new Fault('OUTPUT_INVALID', 'the defaults are too long')
    })
    expect(() => selfTest(invalid)).not.toThrow()
  })

  it('fails what breaks the engine', () => {
    for (const error of [
      new TypeError('x is undefined'),
      new Fault('INTERNAL', 'x'),
      new Fault('BUNDLE_UNVERIFIED', 'x'),
    ])
      expect(
        thrownReason(() =>
          selfTest(
            redacting(() => {
              throw error
            }),
          ),
        ),
      ).toBe('BUNDLE_UNVERIFIED')
  })
})
