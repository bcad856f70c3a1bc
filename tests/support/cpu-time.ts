/** Milliseconds of processor time that this process spends from here on: what others do on the machine does not count. */
export function cpuTime(): () => number {
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
}
