import type { Person } from '../../runtime/git/commit-object.ts'

/** Who the commits and tags of the machine name; that it was the controller is what their signature proves. */
export function controllerPerson(registry: string, at: Date): Person {
  const timestamp = Math.max(0, Math.floor(at.getTime() / 1000))
  return { name: 'contractor', email: `controller@${registry}.invalid`, timestamp, timezone: '+0000' }
}
