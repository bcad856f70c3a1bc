import type { Copied } from './copied.ts'

/** OpenTelemetry's severity numbers: INFO, WARN, ERROR. */
const SEVERITY = {
  allow: { severityNumber: 9, severityText: 'INFO' },
  deny: { severityNumber: 13, severityText: 'WARN' },
  unknown: { severityNumber: 17, severityText: 'ERROR' },
} as const

const NANOS_PER_MS = 1_000_000n
/** Members of a record that collectors can search for; the body has all of them. */
const SEARCHED = [
  'request_id',
  'tenant',
  'action',
  'phase',
  'decision',
  'reason_code',
  'bundle',
  'digest',
  'intent',
] as const

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/** An ExportLogsServiceRequest in OTLP's JSON encoding, where 64-bit numbers are strings. */
export function otlpBody(batch: readonly Copied[], { version, node }: { version: string; node: string }): string {
  const attributes = [
    text('service.name', 'contractor-runtime'),
    text('service.version', version),
    text('service.instance.id', node),
  ]
  const logRecords = batch.map(logRecordOf)
  const scopeLogs = [{ scope: { name: 'contractor.audit', version: '1' }, logRecords }]
  return JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs }] })
}

function logRecordOf({ record, line }: Copied) {
  const timeUnixNano = String(BigInt(Date.parse(record.ts)) * NANOS_PER_MS)
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    ...SEVERITY[record.decision],
    body: { stringValue: line },
    attributes: [
      ...SEARCHED.flatMap((name) => {
        const value = record[name]
        return value === null ? [] : [text(`contractor.${name}`, value)]
      }),
      { key: 'http.response.status_code', value: { intValue: String(record.status) } },
    ],
  }
}

/** How many records the collector says that it did not take, in an answer that is a success otherwise. */
export function rejectedBy(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as { partialSuccess?: { rejectedLogRecords?: string | number } }
    const rejected = Number(partialSuccess?.rejectedLogRecords ?? 0)
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0
  } catch {
    // A collector may answer with nothing at all.
    return 0
  }
}
