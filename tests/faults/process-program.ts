import { writeSync } from 'node:fs'
import { scenarioNamed } from './scenarios.ts'

/** The program of a scenario in a process of its own. Arguments: the scenario's name, the folder, the server's URL. */
const [name = '', folder = '', url = ''] = process.argv.slice(2)
process.exitCode = await scenarioNamed(name).program({ folder, url, tell: (text) => void writeSync(1, text) })
