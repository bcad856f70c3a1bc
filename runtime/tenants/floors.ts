import { Fault } from '../../schemas/fault.ts'
import { parseFloor, type Floors } from '../../schemas/registry/floor.ts'
import { POLICY_KINDS } from '../../schemas/registry/policies.ts'

/**
 * The organisation's floors in force, from the texts of `governance/policies/<kind>.yaml`.
 * @throws Fault `POLICY_MISSING` where one cannot be read: without it nothing may be served.
 */
export function readFloors(governance: ReadonlyMap<string, string>): Floors {
  const floors = POLICY_KINDS.flatMap((kind) => {
    const path = `governance/policies/${kind}.yaml`
    const text = governance.get(path)
    if (text === undefined) return []
    const { value } = parseFloor(kind, Buffer.from(text), path)
    if (value === null) throw new Fault('POLICY_MISSING', `${path} is in force and cannot be read by this Runtime`)
    return [[kind, value] as const]
  })
  return Object.fromEntries(floors)
}
