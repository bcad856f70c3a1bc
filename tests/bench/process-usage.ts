import { readFileSync } from 'node:fs'

const TICK_US = 10_000

/**
 * What the kernel counts of another process: processor time since its start, to within 10 ms, and memory, in bytes.
 * Null once it is gone.
 */
export function usageOfProcess(pid: number | undefined): { cpuUs: number; rss: number; peakRss: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) * 1024
    return { cpuUs: (Number(ticks[11]) + Number(ticks[12])) * TICK_US, rss: kib('VmRSS'), peakRss: kib('VmHWM') }
  } catch {
    return null
  }
}
