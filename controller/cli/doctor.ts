import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Fault } from '../../schemas/fault.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import type { Call, CommandSpec } from './command.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { requireRules } from './judge/rules.ts'
import { readWorkTree } from './clone/work-tree.ts'

type Check = { name: string; status: 'ok' | 'failed' | 'skipped'; found: string; hint?: string }

const run = promisify(execFile)

export const doctor: CommandSpec = {
  name: 'doctor',
  summary: 'look at this machine and this clone, and say what is missing',
  options: [TRUST_OPTION, OFFLINE_OPTION, CLONE_OPTION],
  async run(call) {
    const checks = [
      nodeVersion(),
      await tool('git', ['--version'], 'Install git 2.34 or newer: it signs and verifies with SSH keys.'),
      await tool(
        'ssh-keygen',
        ['-Y', 'sign'],
        'Install OpenSSH 8.2 or newer: `contractor approve` signs with it.',
        /Too few arguments|option requires|namespace/i,
      ),
      ...(await cloneChecks(call)),
    ]
    const failed = checks.filter((check) => check.status === 'failed')
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ verdict: failed.length === 0 ? 'pass' : 'fail', checks }))
    else {
      const marks = { ok: terminal.style('green', '✔'), failed: terminal.style('red', '✘'), skipped: '-' }
      for (const { name, status, found, hint } of checks)
        terminal.out(
          `${marks[status]} ${name}: ${found}${status === 'failed' && hint !== undefined ? `\n    ${hint}` : ''}`,
        )
    }
    return failed.length === 0 ? 0 : 1
  },
}

function nodeVersion(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const enough = major > 20 || (major === 20 && minor >= 19)
  return {
    name: 'node',
    status: enough ? 'ok' : 'failed',
    found: process.versions.node,
    hint: 'Install Node 20.19 or newer.',
  }
}

/** Some tools only answer a wrong call; `expected` is what they say then. */
async function tool(name: string, args: readonly string[], hint: string, expected?: RegExp): Promise<Check> {
  try {
    const { stdout } = await run(name, args)
    return { name, status: 'ok', found: stdout.trim() }
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code !== 'ENOENT' && expected?.test(stderr ?? '') === true)
      return { name, status: 'ok', found: 'signs and verifies' }
    return { name, status: 'failed', found: code === 'ENOENT' ? 'not found on the PATH' : (stderr ?? '').trim(), hint }
  }
}

async function cloneChecks(call: Call): Promise<Check[]> {
  const clone = await openClone(call).catch(asFault)
  if (clone instanceof Fault) return [{ name: 'registry', status: 'skipped', found: clone.message }]
  const rules = await readWorkTree(clone).then(requireRules).catch(asFault)
  const ledger = await ledgerOfClone(call, clone).catch(asFault)
  return [
    rules instanceof Fault
      ? failure('registry.yaml', rules)
      : { name: 'registry.yaml', status: 'ok', found: rules.rules.registry },
    ledger instanceof Fault
      ? failure('live', ledger)
      : { name: 'live', status: 'ok', found: `seq ${ledger.seq}, every signature verified from the pinned root` },
  ]
}

function failure(name: string, fault: Fault): Check {
  return {
    name,
    status: 'failed',
    found: `${fault.reason}: ${fault.message}`,
    hint: `contractor explain ${fault.reason}`,
  }
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}
