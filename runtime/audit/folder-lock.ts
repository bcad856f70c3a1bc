import { open, readFile, rm } from 'node:fs/promises'
import { Fault } from '../../schemas/fault.ts'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/**
 * Takes a folder for this process: two writers would destroy a log. A lock is left over when its process is gone, or
 * when another process has its number since.
 * @returns what gives it back. @throws Fault `CONFIG_INVALID` when a live process holds it.
 */
export async function lockFolder(path: string): Promise<() => Promise<void>> {
  const mine = `${process.pid} ${await startTime(process.pid)}\n`
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(mine)
      await file.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const [pid = '', started] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ')
    const holder = Number(pid)
    const isHeld =
      Number.isSafeInteger(holder) && holder > 0 && isAlive(holder) && (await startTime(holder)) === (started ?? '')
    if (isHeld) {
      throw new Fault(
        'CONFIG_INVALID',
        `${path}: process ${holder} writes this audit log; give each Runtime its own audit folder`,
      )
    }
    await rm(path, { force: true })
  }
  throw new Fault(
    'CONFIG_INVALID',
    `${path}: another Runtime is taking this audit log; give each Runtime its own audit folder`,
  )
}
