import { readFileSync } from 'node:fs'
import { SANDBOX_LIMITS } from '../../controller/gates/sandbox.ts'
import { startChild } from '../../controller/gates/sandbox-process.ts'

/** Starts a child of the sandbox, hands it the task in the file that is named, if one is, and says its pid. */
const child = startChild(SANDBOX_LIMITS)
const [task] = process.argv.slice(2)
const say = () => process.stdout.write(`${child.pid}\n`)
if (task === undefined) say()
else child.stdin.end(readFileSync(task), say)
setInterval(() => {}, 1_000)
