import { join } from 'node:path'
import { expect, it } from 'vitest'
import { actionMatrixPage } from '../../../runtime/http/action-matrix-page.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'

it('docs/gate/ACTION_MATRIX.md says what the code says', async () => {
  const how =
    'docs/gate/ACTION_MATRIX.md is generated; write it again with: npm run build && npx vitest run -u --dir dist/tests/runtime/http action-matrix-page'
  await expect(actionMatrixPage(), how).toMatchFileSnapshot(join(PACKAGE_ROOT, 'docs/gate/ACTION_MATRIX.md'))
})
