import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { openCheckpoint, type Checkpoint } from '../../runtime/audit/checkpoint.ts'
import { listLogs } from '../../runtime/audit/log-folders.ts'
import { exportRecords, tailRecords, type RecordFilter } from '../../runtime/audit/export.ts'
import { parseVerifier } from '../../runtime/audit/note.ts'
import { proveRequest } from '../../runtime/audit/prove.ts'
import { logFolders, readVerifier, type LogEntry, type LogFolders } from '../../runtime/audit/read-log.ts'
import { verifyLog } from '../../runtime/audit/verify-log.ts'
import { Fault } from '../../schemas/fault.ts'
import { isTimestamp } from '../../schemas/timestamp.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { witnessingOf } from './verify/audit-witness.ts'
import { OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
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

/** Every log of the folder: that of a Runtime, or those of its workers; the one that `--key` names where it is given. */
async function openLogs(call: Call): Promise<Log[]> {
  const named = optionText(call, 'dir') ?? call.env['CONTRACTOR_AUDIT_DIR']
  const dir = named === undefined ? await embeddedFolder(call) : resolve(call.cwd, named)
  if (!existsSync(dir))
    throw new Fault('USAGE', `There is no audit folder ${dir}. Name that of a Runtime: --dir <dir>.`)
  const given = optionText(call, 'archive')
  const archive = given === undefined ? null : resolve(call.cwd, given)
  const pinned = optionText(call, 'key')
  const found = await listLogs(dir)
  const logs = (found.length === 0 ? [dir] : found).map(async (folder): Promise<Log> => {
    const verifier = pinned ?? (await readVerifier(folder))
    const own = archive === null ? null : join(archive, relative(dir, folder))
    return { dir: folder, folders: logFolders(folder, own), verifier, isPinned: pinned !== undefined }
  })
  const opened = await Promise.all(logs)
  if (pinned === undefined || opened.length === 1) return opened
  const { name } = parseVerifier(pinned)
  const isNamed = await Promise.all(
    opened.map(async ({ dir: at }) => parseVerifier(await readVerifier(at)).name === name),
  )
  return opened.filter((_, at) => isNamed[at])
}

/** Other keys' signatures on the same checkpoint, such as a witness's, are left alone. */
async function readAnchors(call: Call, verifier: string, isAlone: boolean): Promise<Checkpoint[]> {
  const path = optionText(call, 'anchor')
  if (path === undefined) return []
  if (!isAlone)
    throw new Fault('USAGE', 'Several workers have a log here. Name the log of the anchor: --key <verifier>.')
  const key = parseVerifier(verifier)
  return [openCheckpoint(await readFile(resolve(call.cwd, path), 'utf8'), key.name, key)]
}

async function verifyOne(call: Call, { folders, verifier, isPinned }: Log, isAlone: boolean): Promise<void> {
  const { terminal } = call
  const witnessing = await witnessingOf(call, verifier)
  const log = typeof witnessing === 'string' ? null : witnessing.log
  const { root, ...verified } = await verifyLog(folders, verifier, {
    anchors: [...(await readAnchors(call, verifier, isAlone)), ...(log === null ? [] : [log])],
    shadow: log?.shadow ?? null,
  })
  if (terminal.json) {
    const witness = typeof witnessing === 'string' ? null : { size: witnessing.log.size, seen: witnessing.seen }
    const pinned = { key_pinned: isPinned, witness }
    terminal.out(JSON.stringify({ verdict: 'pass', ...verified, root: root.toString('base64'), ...pinned }))
    return
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
    const logs = await openLogs(call)
    for (const log of logs) await verifyOne(call, log, logs.length === 1)
    return 0
  },
}

/** @throws Fault `NOT_FOUND` when no log has a record of the request, and those of `proveRequest` */
async function proveIn(logs: readonly Log[], requestId: string) {
  let missing: unknown
  for (const { folders, verifier } of logs) {
    try {
      return { ...(await proveRequest(folders, verifier, requestId)), verifier }
    } catch (error) {
      if (!(error instanceof Fault) || error.reason !== 'NOT_FOUND') throw error
      missing = error
    }
  }
  throw missing
}

export const auditProve: CommandSpec = {
  name: 'audit prove',
  summary: 'prove that an audit log has the record of a request (C2SP tlog-proof, checked offline)',
  args: [['<request-id>', 'the X-Request-Id of the answer']],
  options: LOG_OPTIONS,
  async run(call) {
    const { terminal } = call
    const { entry, proof, verifier } = await proveIn(await openLogs(call), argument(call, 0, 'request-id'))
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
    const logs = await openLogs(call)
    const last = optionNumber(call, 'last', { min: 1, max: 1_000_000, preset: 20 })
    const stop = new AbortController()
    process.once('SIGINT', () => stop.abort())
    const follow = call.options['follow'] === true
    const show = ({ record, entry }: LogEntry) => {
      const { ts, tenant, decision, reason_code, bundle, intent, request_id, count } = record
      const what = [tenant ?? '-', decision, reason_code, bundle ?? '', intent ?? '', request_id ?? `× ${count}`]
      terminal.out(terminal.json ? entry.toString('utf8') : `${ts.slice(11, 19)} ${what.filter(Boolean).join('  ')}`)
    }
    const options = { last, follow, everyMs: 500, signal: stop.signal }
    const recent: LogEntry[] = []
    const read = logs.map(async ({ dir, verifier }) => {
      for await (const entry of tailRecords(dir, { ...options, verifier })) {
        if (follow) show(entry)
        else recent.push(entry)
      }
    })
    await Promise.all(read)
    recent.sort((a, b) => (a.record.ts < b.record.ts ? -1 : a.record.ts > b.record.ts ? 1 : 0))
    for (const entry of recent.slice(-last)) show(entry)
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
    const logs = await openLogs(call)
    const filter: RecordFilter = {}
    const tenant = optionText(call, 'tenant')
    if (tenant !== undefined) filter.tenant = tenant
    for (const bound of ['since', 'until'] as const) {
      const text = optionText(call, bound)
      if (text === undefined) continue
      if (!isTimestamp(text)) throw new Fault('USAGE', `--${bound}: expected an RFC 3339 time, got "${text}".`)
      filter[bound] = new Date(text).toISOString()
    }
    for (const { folders, verifier } of logs)
      for await (const line of exportRecords(folders, verifier, filter)) call.terminal.out(line.slice(0, -1))
    return 0
  },
}
