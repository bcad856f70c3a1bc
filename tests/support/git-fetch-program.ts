import { openRepository } from '../../runtime/git/repository.ts'

/** A process of its own that brings a mirror up to date, to be killed. */
const [url = '', mirror = '', ...fetch] = process.argv.slice(2)
const repository = await openRepository(url, { mirror, fetch })
try {
  await repository.refresh()
} finally {
  await repository.close()
}
