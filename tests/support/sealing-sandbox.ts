import { bundleDigest, bundleId, sourceDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { GateOutcome, GateRequest } from '../../controller/gates/judge-bundle.ts'
import { reportInputs } from '../../controller/gates/report-inputs.ts'
import type { Sandbox } from '../../controller/gates/sandbox.ts'
import { parseManifest } from '../../schemas/registry/manifest.ts'

export type SealingSandbox = Sandbox & {
  /** Names of the bundles that were judged, in order. */
  judged: string[]
  /** Judgements wait until this is settled. */
  gate: Promise<void>
}

/** Seals every source with a manifest, at once, in this process: for tests of what stands around the gates. A description of `refuse` is refused. */
export function sealingSandbox(): SealingSandbox {
  const sandbox: SealingSandbox = {
    judged: [],
    gate: Promise.resolve(),
    async judge(request) {
      sandbox.judged.push(request.name)
      await sandbox.gate
      return outcomeOf(request)
    },
    async judgeValues() {
      return []
    },
    async stop() {},
  }
  return sandbox
}

export function formatSealed(source: BundleFiles): BundleFiles {
  const id = bundleId(sourceDigest(source))
  const manifest = Buffer.concat([source.get('manifest.yaml') ?? Buffer.alloc(0), Buffer.from(`bundle_id: ${id}\n`)])
  return new Map([...source, ['manifest.yaml', manifest], ['sealed/router.bin', Buffer.from('router')]])
}

function outcomeOf(request: GateRequest): GateOutcome {
  const { files, name, sealed: seals } = request
  const digest = sourceDigest(files)
  const path = `bundles/${name}/manifest.yaml`
  const { value: manifest } = parseManifest(files.get('manifest.yaml') ?? Buffer.alloc(0), path, 'source')
  const same = seals.some(({ version }) => version === manifest?.bundle_version)
  const code =
    manifest === null || manifest.description === 'refuse' ? 'MANIFEST_INVALID' : same ? 'VERSION_NOT_BUMPED' : null
  const sealed = code === null ? formatSealed(files) : null
  return {
    sealed,
    report: {
      ...reportInputs(request),
      version: manifest?.bundle_version ?? '',
      bundle_id: sealed === null ? null : bundleId(digest),
      digest: sealed === null ? null : bundleDigest(sealed),
      verdict: code === null ? 'pass' : 'fail',
      ran: [{ gate: 'manifest', verdict: code === null ? 'pass' : 'fail' }],
      findings:
        code === null
          ? []
          : [{ gate: 'manifest', code, severity: 'error', path, line: 1, column: 1, message: 'no', hint: 'no' }],
      suites: [],
    },
  }
}
