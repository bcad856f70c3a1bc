import { join } from 'node:path'
import { openRepository } from '../../runtime/git/repository.ts'
import { FETCH } from './controller-run.ts'

/** Brings the mirror in `folder` up to date. Answers its refs. */
export async function runFetch(folder: string, url: string): Promise<Map<string, string>> {
  const repository = await openRepository(url, { mirror: join(folder, 'mirror'), fetch: FETCH, timeoutMs: 20_000 })
  try {
    let failed: unknown = null
    for (let attempt = 0; attempt < 3; attempt++) {
      failed = await repository.refresh().then(
        () => null,
        (error: unknown) => error,
      )
      if (failed === null) break
    }
    if (failed !== null) throw failed
    const lists = await Promise.all(FETCH.map((ref) => repository.listRefs(ref)))
    return new Map(lists.flatMap((list) => [...list]))
  } finally {
    await repository.close()
  }
}
