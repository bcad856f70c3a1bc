import { expect, it } from 'vitest'
import { usefulTips } from '../../../runtime/git/useful-tips.ts'

it('names branches, and of tags the newest in the folders of new ones', () => {
  const versions = Array.from({ length: 20 }, (_, at) => `1.${at}.0`)
  const refs = new Map([
    ['refs/heads/live', 'live'],
    ...versions.map((version): [string, string] => [`refs/tags/bundles/faq/${version}`, version]),
    ['refs/tags/bundles/other/9.0.0', 'other'],
  ])
  expect(usefulTips(refs, ['refs/heads/live'])).toEqual(['live'])
  expect(usefulTips(refs, ['refs/tags/bundles/faq/1.20.0'])).toEqual(['live', ...versions.slice(-8)])
})
