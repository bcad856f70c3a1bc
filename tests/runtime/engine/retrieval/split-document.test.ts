import { expect, it } from 'vitest'
import { splitDocument } from '../../../../runtime/engine/retrieval/split-document.ts'

const document = `Before any heading.

# Cards

## Fees ##
The card is free.

\`\`\`sh
# not a heading
\`\`\`

### Abroad
Two percent.

## Limits

# Accounts
Open one in the app.
`

it('splits a document by its headings and cites each part with the path to it', () => {
  expect(splitDocument('fees.md', document)).toEqual([
    { document: 'fees.md', heading: '', text: 'Before any heading.' },
    { document: 'fees.md', heading: 'Cards > Fees', text: 'The card is free.\n\n```sh\n# not a heading\n```' },
    { document: 'fees.md', heading: 'Cards > Fees > Abroad', text: 'Two percent.' },
    { document: 'fees.md', heading: 'Accounts', text: 'Open one in the app.' },
  ])
})

it.each(['', '\n\n', '# Only a heading', '#no heading\n'])('takes %j without a fault', (markdown) => {
  expect(splitDocument('a.md', markdown).length).toBeLessThan(2)
})
