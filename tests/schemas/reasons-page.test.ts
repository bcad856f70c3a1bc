import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import { reasonsPage } from '../../schemas/reasons-page.ts'

it('docs/reasons.md says what the code says', async () => {
  const how =
    'docs/reasons.md is generated; write it again with: npm run build && npx vitest run -u --dir dist/tests/schemas reasons-page'
  await expect(reasonsPage(), how).toMatchFileSnapshot(join(PACKAGE_ROOT, 'docs/reasons.md'))
})
