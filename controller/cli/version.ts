import { GATES_VERSION } from '../gates/catalog.ts'
import { NEWEST_COMPILER } from '../../runtime/bundle/compile.ts'
import { PACKAGE_VERSION } from '../../schemas/package-root.ts'
import type { CommandSpec } from './command.ts'

export const version: CommandSpec = {
  name: 'version',
  summary: 'print the versions of the Runtime, the compiler and the gate catalogue',
  run({ terminal }) {
    const versions = {
      runtime: PACKAGE_VERSION,
      compiler: NEWEST_COMPILER,
      gates: GATES_VERSION,
      node: process.versions.node,
    }
    terminal.out(
      terminal.json
        ? JSON.stringify(versions)
        : terminal.table(Object.entries(versions).map(([name, value]) => [name, String(value)])),
    )
    return Promise.resolve(0)
  },
}
