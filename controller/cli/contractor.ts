import { runContractor } from './program.ts'

process.exitCode = await runContractor(process.argv.slice(2), process.env)
