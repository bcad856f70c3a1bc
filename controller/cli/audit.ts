import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openCheckpoint, type Checkpoint } from '../../runtime/audit/checkpoint.ts'
import { exportRecords, tailRecords, type RecordFilter } from '../../runtime/audit/export.ts'
import { parseVerifier } from '../../runtime/audit/note.ts'
import { proveRequest } from '../../runtime/audit/prove.ts'
import { logFolders, readVerifier, type LogFolders } from '../../runtime/audit/read-log.ts'
import { verifyLog } from '../../runtime/audit/verify-log.ts'
import { Fault } from '../../schemas/fault.ts'
import { isTimestamp } from '../../schemas/timestamp.ts'
import { CLONE_OPTION, openClone } from './clone.ts'
import { witnessingOf } from './audit-witness.ts'
import { OFFLINE_OPTION, TRUST_OPTION } from './ledger-of-clone.ts'
import { argument, optionNumber, optionText, type Call, type CommandSpec } from './command.ts'

const LOG_OPTIONS = [
  ['--dir <dir>', 'audit folder of a Runtime (default: CONTRACTOR_AUDIT_DIR, or that of `contractor up`)'],
  ['--key <verifier>', "the log's verifier key as you pinned it (default: the one that the folder names)"],
  ['--archive <dir>', 'folder to which old records were moved'],
  CLONE_OPTION,
] as const

type Log = { dir: string; folders: LogFolders; verifier: string; isPinned: boolean }

async function embeddedFolder(call: Call): Promise<string> {
  const clone = await openClone(call).catch((error: unknown) => {
    if (error instanceof Fault && error.reason === 'USAGE') return null
    throw error
  })
  const home = clone === null ? '' : await clone.git('config', '--default', '', '--get', 'contractor.home')
  if (home !== '') return join(home, 'runtime', 'audit')
  throw new Fault('USAGE', 'Name the audit folder of a Runtime: --dir <dir> or CONTRACTOR_AUDIT_DIR.')
}

async function openLog(call: Call): Promise<Log> {
  const named = optionText(call, 'dir') ?? call.env['CONTRACTOR_AUDIT_DIR']
  const dir = named === undefined ? await embeddedFolder(call) : resolve(call.cwd, named)
  if (!existsSync(dir))
    throw new Fault('USAGE', `There is no audit folder ${dir}. Name that of a Runtime: --dir <dir>.`)
  const archive = optionText(call, 'archive')
  const pinned = optionText(call, 'key')
  const verifier = pinned ?? (await readVerifier(dir))
  const folders = logFolders(dir, archive === undefined ? null : resolve(call.cwd, archive))
  return { dir, folders, verifier, isPinned: pinned !== undefined }
}

/** Other keys' signatures on the same checkpoint, such as a witness's, are left alone. */
async function readAnchors(call: Call, verifier: string): Promise<Checkpoint[]> {
  const path = optionText(call, 'anchor')
  if (path === undefined) return []
  const key = parseVerifier(verifier)
  return [openCheckpoint(await readFile(resolve(call.cwd, path), 'utf8'), key.name, key)]
}

export const auditVerify: CommandSpec = {
  name: 'audit verify',
  summary:
    'read every record of an audit log and check its tree, its tiles, its signatures and what was witnessed of it',
  options: [
    ...LOG_OPTIONS,
    TRUST_OPTION,
    OFFLINE_OPTION,
    ['--anchor <file>', 'an older checkpoint that somebody else kept; the log must extend it'],
  ],
  async run(call) {
    const { terminal } = call
    const { folders, verifier, isPinned } = await openLog(call)
    const witnessing = await witnessingOf(call, verifier)
    const log = typeof witnessing === 'string' ? null : witnessing.log
    const { root, ...verified } = await verifyLog(folders, verifier, {
      anchors: [...(await readAnchors(call, verifier)), ...(log === null ? [] : [log])],
      shadow: log?.shadow ?? null,
    })
    if (terminal.json) {
      const witness = typeof witnessing === 'string' ? null : { size: witnessing.log.size, seen: witnessing.seen }
      const pinned = { key_pinned: isPinned, witness }
      terminal.out(JSON.stringify({ verdict: 'pass', ...verified, root: root.toString('base64'), ...pinned }))
      return 0
    }
    const done = terminal.style('green', '✔')
    const { origin, size, decisions, aggregated, anchors, first, last } = verified
    terminal.out(`${done} ${origin}: ${size} records from ${first ?? 'none'} to ${last ?? 'none'}
${done} every record, tile and the signed checkpoint lead to one root${anchors > 0 ? ', which extends the anchor' : ''}
${done} ${decisions.allow} allowed, ${decisions.deny} denied, ${decisions.unknown} unknown, ${aggregated} requests in aggregate records`)
    if (typeof witnessing === 'string') terminal.err(`Not compared with what a controller witnessed: ${witnessing}.`)
    else
      terminal.out(
        `${done} the first ${witnessing.log.size} are those that the controller witnessed at ${witnessing.seen}`,
      )
    if (!isPinned) terminal.err('The key is the one that the folder names. Pin it, and give it with --key.')
    return 0
  },
}

export const auditProve: CommandSpec = {
  name: 'audit prove',
  summary: 'prove that an audit log has the record of a request (C2SP tlog-proof, checked offline)',
  args: [['<request-id>', 'the X-Request-Id of the answer']],
  options: LOG_OPTIONS,
  async run(call) {
    const { terminal } = call
    const { folders, verifier } = await openLog(call)
    const { entry, proof } = await proveRequest(folders, verifier, argument(call, 0, 'request-id'))
    const record = entry.toString('utf8')
    if (terminal.json) terminal.out(JSON.stringify({ record, proof, key: verifier }))
    else {
      terminal.err(record)
      terminal.out(proof.replace(/\n$/, ''))
    }
    return 0
  },
}

export const auditTail: CommandSpec = {
  name: 'audit tail',
  summary: 'show the last records of an audit log, also those that no checkpoint covers yet',
  options: [...LOG_OPTIONS, ['--last <n>', 'how many (default: 20)'], ['--follow', 'wait for more']],
  async run(call) {
    const { terminal } = call
    const { dir, verifier } = await openLog(call)
    const last = optionNumber(call, 'last', { min: 1, max: 1_000_000, preset: 20 })
    const stop = new AbortController()
    process.once('SIGINT', () => stop.abort())
    const follow = call.options['follow'] === true
    for await (const { record, entry } of tailRecords(dir, {
      verifier,
      last,
      follow,
      everyMs: 500,
      signal: stop.signal,
    })) {
      const { ts, tenant, decision, reason_code, bundle, intent, request_id, count } = record
      const what = [tenant ?? '-', decision, reason_code, bundle ?? '', intent ?? '', request_id ?? `× ${count}`]
      terminal.out(terminal.json ? entry.toString('utf8') : `${ts.slice(11, 19)} ${what.filter(Boolean).join('  ')}`)
    }
    return 0
  },
}

export const auditExport: CommandSpec = {
  name: 'audit export',
  summary: 'print the records under the last checkpoint as JSON lines, byte for byte as they were hashed',
  options: [
    ...LOG_OPTIONS,
    ['--tenant <tenant>', 'of one tenant only'],
    ['--since <time>', 'from this time on, RFC 3339'],
    ['--until <time>', 'before this time, RFC 3339'],
  ],
  async run(call) {
    const { folders, verifier } = await openLog(call)
    const filter: RecordFilter = {}
    const tenant = optionText(call, 'tenant')
    if (tenant !== undefined) filter.tenant = tenant
    for (const bound of ['since', 'until'] as const) {
      const text = optionText(call, bound)
      if (text === undefined) continue
      if (!isTimestamp(text)) throw new Fault('USAGE', `--${bound}: expected an RFC 3339 time, got "${text}".`)
      filter[bound] = new Date(text).toISOString()
    }
    for await (const line of exportRecords(folders, verifier, filter)) call.terminal.out(line.slice(0, -1))
    return 0
  },
}
