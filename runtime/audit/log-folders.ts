import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { absentAsNull } from '../git/durable-fs.ts'

const WORKER = /^worker-\d{1,3}$/

/** Folder of one worker's log in the audit folder of its Runtime. */
export function workerFolder(auditDir: string, worker: number): string {
  return join(auditDir, `worker-${worker}`)
}

/** Every log of an audit folder: that of a Runtime without workers, which is the folder itself, and those of workers. */
export async function listLogs(auditDir: string): Promise<string[]> {
  const names = ((await absentAsNull(readdir(auditDir))) ?? []).filter((name) => WORKER.test(name))
  const workers = names.map((name) => Number(name.slice('worker-'.length))).sort((a, b) => a - b)
  const folders = [auditDir, ...workers.map((worker) => workerFolder(auditDir, worker))]
  return folders.filter((folder) => existsSync(join(folder, 'log.json')))
}
