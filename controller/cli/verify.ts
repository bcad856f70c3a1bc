import { keysEver } from '../../runtime/trust/keysets.ts'
import { HEARTBEAT_BRANCH } from '../../runtime/trust/heartbeat.ts'
import { verifyLedger, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import { readSealedBundle } from '../../runtime/trust/sealed-bundle.ts'
import { namedReports, type NamedReport } from './verify/recompute-reports.ts'
import { EXIT_OF, tellGates, verifyGates } from './verify/verify-gates.ts'
import { verifyAnchors } from './verify/verify-anchors.ts'
import { verifyHeartbeat } from './verify/verify-heartbeat.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import type { CommandSpec } from './command.ts'
import { liveHead, OFFLINE_OPTION, pinnedRoot, refOfClone, TRUST_OPTION } from './clone/ledger-of-clone.ts'

const TELL_EVERY = 1_000

export const verify: CommandSpec = {
  name: 'verify',
  summary:
    'check every signature, seq, entry, approval, tag, digest and audit anchor since the beginning, from the pinned root',
  options: [
    ['--gates', 'also run the gates of every judged bundle again, and compare their reports to the byte'],
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const { terminal } = call
    const clone = await openClone(call)
    const root = await pinnedRoot(call, clone)
    // Before `live`, so that `live` is at least as new as what is said of it.
    const heartbeat = await clone.repository.readRef(await refOfClone(call, clone, HEARTBEAT_BRANCH))
    const audit = await clone.repository.readRef(await refOfClone(call, clone, 'audit'))
    const head = await liveHead(call, clone)
    const started = performance.now()
    const counted = { entries: 0, decisions: 0, approvals: 0, refusals: 0 }
    const named: NamedReport[] = []
    let before: VerifiedLedger | null = null
    const onStep = (ledger: VerifiedLedger) => {
      const { seq, entry } = ledger
      if (call.options['gates'] === true) named.push(...namedReports(before, ledger))
      before = ledger
      counted.entries += 1
      counted.decisions += entry.decisions.length
      counted.approvals += entry.decisions.reduce((sum, { people }) => sum + people.approvers.length, 0)
      counted.refusals += entry.decisions.filter(({ decision }) => decision === 'deny').length
      if (seq > 0 && seq % TELL_EVERY === 0 && !terminal.json) terminal.err(`seq ${seq} …`)
    }
    const ledger = await verifyLedger({ reader: clone.repository, root, accepted: null, head, onStep })
    const { seq, state } = ledger
    const keys = keysEver(state.keysets)
    for (const record of state.seals.values()) await readSealedBundle(clone.repository, record, keys)
    if (heartbeat !== null) await verifyHeartbeat(clone.repository, heartbeat, ledger)
    const anchors = audit === null ? null : await verifyAnchors(clone.repository, audit, root.registry, keys)
    const gates = call.options['gates'] === true ? await verifyGates(call, clone, named) : null
    const ms = Math.round(performance.now() - started)
    const bundles = state.seals.size
    const verdict = gates?.verdict ?? 'pass'
    if (terminal.json) {
      const told = gates === null ? {} : { gates }
      terminal.out(
        JSON.stringify({ verdict, registry: root.registry, seq, head, ...counted, bundles, anchors, ...told, ms }),
      )
    } else {
      if (gates !== null) tellGates(call, gates)
      const done = terminal.style('green', '✔')
      terminal.out(`${done} ${root.registry}: seq 0 to ${seq}, every commit signed by keys under the pinned root
${done} ${counted.decisions} decisions in one unbroken chain, ${counted.refusals} of them refusals; ${counted.approvals} approvals verified
${done} ${bundles} sealed bundles: tag, seal and digest match what \`live\` says   ${ms} ms`)
      if (anchors !== null)
        terminal.out(
          `${done} ${anchors.logs} audit logs: ${anchors.commits} commits of anchors, each signed, cosigned and never shorter`,
        )
    }
    return EXIT_OF[verdict]
  },
}
