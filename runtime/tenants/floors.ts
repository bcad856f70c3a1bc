import { Fault } from '../../schemas/fault.ts'
import { parseFloor, type Floors } from '../../schemas/registry/floor.ts'
import { POLICY_KINDS } from '../../schemas/registry/policies.ts'
import { filesDigest } from '../bundle/digest.ts'

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

/**
 * `sha256:` and the digest of `governance/policies/` as `live` has it, computed as that of a bundle (`filesDigest`, with
 * whole paths); null where the organisation sets no floor.
 */
export function floorsDigest(governance: ReadonlyMap<string, string>): string | null {
  const files = [...governance].filter(([path]) => path.startsWith('governance/policies/'))
  if (files.length === 0) return null
  return `sha256:${filesDigest(new Map(files.map(([path, text]) => [path, Buffer.from(text)])))}`
}
