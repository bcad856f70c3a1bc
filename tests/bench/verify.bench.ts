import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import type { ObjectType } from '../../runtime/git/object-reader.ts'
import { bundleSource } from '../support/bundle-source.ts'
import { CONTRACTOR, emptyEnvironment } from '../support/embedded.ts'
import { buildLedger, type LedgerBuilder } from '../support/ledger-builder.ts'
import { memoryObjects, type MemoryObjects } from '../support/memory-objects.ts'
import { mustRun } from '../support/shell.ts'
import { usageOfProcess } from './process-usage.ts'

const SIZES = [1_000, 10_000]
const TENANTS = 100
const TYPES: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 }

/** `contractor verify` of a whole ledger: each entry signed by the controller and approved by a person. */
export async function run(): Promise<string> {
  const rows: string[] = []
  for (const size of SIZES) rows.push(await measure(size))
  return [
    `Promotions of ${TENANTS} tenants, an approval each, in a clone with one pack.`,
    '',
    '| ledger commits | s | CPU s | peak RSS MiB |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

async function measure(size: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-verify-'))
  try {
    const env = await emptyEnvironment()
    const objects = memoryObjects()
    const { ledger, refs } = await grow(objects, size)
    await writeFile(join(folder, 'root.json'), JSON.stringify(ledger.root))
    await writeFile(join(folder, 'registry.yaml'), 'registry: acme\n')
    await writeFile(join(folder, 'all.pack'), packOf(objects))
    await writeFile(join(folder, 'refs.txt'), refs)
    await mustRun(
      'git init -q . && git index-pack --stdin < all.pack && git update-ref --stdin < refs.txt && rm all.pack refs.txt',
      folder,
      env,
    )
    const { seconds, cpuSeconds, peakMib, verdict } = await verify(folder, env)
    if (verdict.verdict !== 'pass' || verdict.seq !== ledger.head.seq)
      throw new Error(`expected a pass at seq ${ledger.head.seq}, found ${JSON.stringify(verdict)}`)
    return `| ${ledger.head.seq + 1} | ${seconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${peakMib.toFixed(0)} |`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The ledger, and the tags of its seals as `git update-ref --stdin` makes them. */
async function grow(objects: MemoryObjects, size: number): Promise<{ ledger: LedgerBuilder; refs: string }> {
  const ledger = await buildLedger({ objects })
  const records = []
  const refs: string[] = []
  for (const version of ['1.0.0', '1.1.0']) {
    const { files, digest, sourceDigest, bundleId } = compileBundle(versioned(version), 1)
    const { record, ref } = await ledger.seal('faq', version, files, digest)
    refs.push(`create ${ref} ${record.tag_object}\n`)
    records.push({ ...record, source_digest: sourceDigest, bundle_id: bundleId })
  }
  for (let entry = 1; entry < size; entry += 1) {
    const record = records[Math.floor(entry / TENANTS) % records.length]
    if (record !== undefined) await ledger.promote(`tenant-${entry % TENANTS}`, 'current', record)
  }
  refs.push(`create refs/heads/live ${ledger.head.oid}\n`)
  return { ledger, refs: refs.join('') }
}

function versioned(version: string) {
  const manifest = bundleSource({}).get('manifest.yaml')?.toString() ?? ''
  return bundleSource({
    'manifest.yaml': manifest.replace('bundle_version: 1.0.0', `bundle_version: ${version}`),
    'templates/card_arrival.j2': `It takes three days, says ${version}.`,
  })
}

async function verify(folder: string, env: NodeJS.ProcessEnv) {
  const args = [CONTRACTOR, 'verify', '--trust', 'root.json', '--registry', '.', '--json']
  const from = performance.now()
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  let [peakMib, cpuSeconds] = [0, 0]
  const watch = setInterval(() => {
    const usage = usageOfProcess(child.pid)
    if (usage === null || Number.isNaN(usage.peakRss)) return
    peakMib = usage.peakRss / 2 ** 20
    cpuSeconds = usage.cpuUs / 1e6
  }, 50)
  await once(child, 'close')
  clearInterval(watch)
  const seconds = (performance.now() - from) / 1000
  return { seconds, cpuSeconds, peakMib, verdict: JSON.parse(text) as { verdict: string; seq: number } }
}

/** Every object as a Git pack, none as a delta. */
function packOf({ objects }: MemoryObjects): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
  head.writeUInt32BE(objects.size, 8)
  const parts: Buffer[] = [head]
  for (const { type, body } of objects.values()) parts.push(entryHead(TYPES[type], body.length), deflateSync(body))
  const bytes = Buffer.concat(parts)
  return Buffer.concat([bytes, createHash('sha1').update(bytes).digest()])
}

function entryHead(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)]
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 128, rest & 127)
  }
  return Buffer.from(bytes)
}
