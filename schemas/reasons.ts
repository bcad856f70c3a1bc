type Entry = { status?: number; title: string; hint: string }

/**
 * The one closed list of reason codes: every refusal, finding, decision and problem document names one of these.
 * `status` is the HTTP status where the code can be an answer; `title` says what happened; `hint` says what to do.
 * `docs/reasons.md` is generated from this list.
 */
export const REASONS = {
  // Decisions that allow.
  PROMOTED: { title: 'The alias was moved to this bundle.', hint: 'Nothing to do.' },
  ROLLED_BACK: { title: 'The alias went back to a bundle on its stack.', hint: 'Nothing to do.' },
  SEALED: { title: 'The bundle passed its gates and was sealed under a signed tag.', hint: 'Nothing to do.' },
  CHANGED: { title: 'The change of a tenant or of governance is in force.', hint: 'Nothing to do.' },

  // Requests to the Runtime and the controller.
  ALLOWED: { title: 'The request was allowed.', hint: 'Nothing to do.' },
  SHADOW_AGREED: { title: 'The candidate gave the same answer as what is current.', hint: 'Nothing to do.' },
  SHADOW_DIFFERED: {
    title: 'The candidate gave another answer than what is current; nothing of it left.',
    hint: 'Compare both with `contractor try`, or read the reports of the suites.',
  },
  G8_UNKNOWN_ACTION: {
    status: 404,
    title: 'No action exists for this path and method.',
    hint: 'Read /openapi.json for the paths and methods that exist.',
  },
  G9_MISSING_PROFILE: {
    status: 403,
    title: 'The action has no profile.',
    hint: 'This cannot happen by construction; report it.',
  },
  G10_BODY_PARSE_ERROR: { status: 400, title: 'The body is not JSON.', hint: 'Send a body that is one JSON document.' },
  BODY_MISSING: { status: 422, title: 'The request has no body.', hint: 'Send a JSON body.' },
  REQUEST_INVALID: {
    status: 422,
    title: 'The request does not have the expected shape.',
    hint: 'Compare the request with /openapi.json.',
  },
  MISSING_HEADER: { status: 400, title: 'A required header is absent.', hint: 'Send X-Tenant-Id and X-Api-Key.' },
  UNAUTHENTICATED: {
    status: 401,
    title: 'The tenant and key are not accepted.',
    hint: 'Check the tenant, the key and its expiry.',
  },
  FORBIDDEN: { status: 403, title: 'The key lacks the scope for this.', hint: 'Use a key that has the scope.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The body is not application/json.',
    hint: 'Send Content-Type: application/json without a content encoding.',
  },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is larger than allowed.', hint: 'Send less.' },
  RATE_LIMITED: { status: 429, title: 'The rate limit is reached.', hint: 'Wait for the seconds of Retry-After.' },
  QUOTA_EXCEEDED: {
    status: 429,
    title: 'The quota is used up.',
    hint: 'Wait for the seconds of Retry-After, or raise the quota.',
  },
  INPUT_INVALID: {
    status: 422,
    title: 'The input breaks its contract.',
    hint: 'Compare the input with the entity schema.',
  },
  INTENT_UNKNOWN: {
    status: 422,
    title: 'The bundle has no such intent.',
    hint: 'Name an intent of the ontology, or none.',
  },
  NO_CURRENT_BUNDLE: {
    status: 503,
    title: 'The tenant has no bundle under this alias.',
    hint: 'Promote a bundle for the tenant.',
  },
  INCOMPATIBLE_RUNTIME: {
    status: 503,
    title: 'The bundle does not fit the version of the Runtime.',
    hint: 'Upgrade the Runtime first, or promote a bundle that fits (ADR 0008).',
  },
  BUNDLE_UNVERIFIED: {
    status: 503,
    title: 'The bundle could not be verified.',
    hint: "Look at the Runtime's log and `contractor verify`.",
  },
  BUNDLE_REVOKED: { status: 503, title: 'The bundle was revoked.', hint: 'Promote another version.' },
  STALE: {
    status: 503,
    title: 'The Runtime has not heard from the controller for too long.',
    hint: 'Look at the controller and the connection to the registry.',
  },
  POLICY_MISSING: { status: 503, title: 'A required policy is missing.', hint: 'Add the policy to the bundle.' },
  GATES_BUSY: {
    status: 503,
    title: 'Too many gate runs wait for their turn.',
    hint: 'Ask again after the seconds of Retry-After.',
  },
  STARTING: { status: 503, title: 'The process has not finished starting.', hint: 'Wait for /readyz.' },
  DRAINING: { status: 503, title: 'The process is stopping and takes no new work.', hint: 'Ask another one.' },
  OUTPUT_INVALID: {
    status: 500,
    title: 'The output breaks its schema; nothing of it left.',
    hint: 'Correct the template or the output entity.',
  },
  INTERNAL: { status: 500, title: 'A fault of the software.', hint: 'Report it with the request id.' },
  REQUEST_TIMEOUT: {
    status: 504,
    title: 'The deadline of the request passed.',
    hint: 'Try again; raise the deadline if it is too short.',
  },
  REQUEST_MALFORMED: {
    status: 400,
    title: 'The request is not well-formed HTTP, is too slow, or its headers are too large.',
    hint: 'Send one well-formed HTTP/1.1 request.',
  },
  REQUEST_ABORTED: {
    status: 400,
    title: 'The client closed the connection before its request was complete.',
    hint: 'Send the whole request.',
  },
  AUDIT_UNAVAILABLE: {
    status: 503,
    title: 'The audit record could not be made durable.',
    hint: 'Look at the disk of the Runtime.',
  },
  LIMITS_UNAVAILABLE: {
    status: 503,
    title: 'The counters of limits and quotas could not be reached.',
    hint: 'Try again soon; as operator, look at the store of limits, or allow with `limits.on_store_failure`.',
  },
  OUTCOME_UNKNOWN: {
    status: 500,
    title: 'The process ended between the begin and the end of a call; what became of it is unknown.',
    hint: "Ask the model provider's own log with the request id.",
  },
  AUDIT_BROKEN: {
    status: 409,
    title: 'The audit log is damaged, or shorter than or different from what was anchored.',
    hint: 'Restore the audit folder from a copy; see docs/audit.md.',
  },
  CHECKPOINT_CONFLICT: {
    status: 409,
    title: 'The witness saw another checkpoint of this log last.',
    hint: 'Ask for it (GET /v1/audit/checkpoints?origin=) and prove that the log extends it.',
  },
  WEBHOOK_UNSIGNED: {
    status: 401,
    title: 'The webhook does not prove that its sender knows the secret.',
    hint: 'Give the forge and the controller the same secret.',
  },
  WEBHOOK_OFF: {
    status: 403,
    title: 'Webhooks of this forge are not configured.',
    hint: 'Set CONTRACTOR_WEBHOOK_SECRET_GITHUB, _GITLAB or _GITEA.',
  },
  PROVIDER_ERROR: { status: 502, title: 'The model provider failed.', hint: 'Look at the provider.' },
  AUTH_ERROR: { status: 502, title: 'The model provider refused the key.', hint: 'Check the provider key.' },
  TIMEOUT: { status: 504, title: 'The model provider was too slow.', hint: 'Try again later.' },
  RATE_LIMIT: { status: 429, title: 'The model provider limits us.', hint: 'Wait for the seconds of Retry-After.' },
  CIRCUIT_OPEN: {
    status: 503,
    title: 'The model provider is cut off after repeated failures.',
    hint: 'Wait for the breaker to close.',
  },
  PROVIDER_NOT_ALLOWED: {
    status: 403,
    title: 'The provider is not on the allow-list.',
    hint: 'Add it to ALLOWED_PROVIDERS.',
  },
  MODEL_NOT_ALLOWED: { status: 403, title: 'The model is not on the allow-list.', hint: 'Add it to ALLOWED_MODELS.' },
  ALIAS_UNKNOWN: {
    status: 404,
    title: 'There is no such tenant or alias.',
    hint: 'Check the names with `contractor status`.',
  },
  NOT_FOUND: { status: 404, title: 'There is no such thing.', hint: 'Check the name.' },

  // Files that people write.
  FILE_INVALID: { title: 'A file of the registry is malformed.', hint: 'Correct the file at the place named.' },
  YAML_INVALID: {
    title: 'The file is not the YAML that the registry allows.',
    hint: 'Use plain YAML 1.2: no anchors, aliases, tags, directives or duplicate keys.',
  },
  JSON_INVALID: { title: 'The file is not JSON.', hint: 'Correct the JSON at the place named.' },
  PATH_INVALID: {
    title: 'A path, mode or name in the tree is not allowed.',
    hint: 'Use plain files named [A-Za-z0-9][A-Za-z0-9._-]*.',
  },
  FILE_TOO_LARGE: { title: 'A file or bundle is larger than allowed.', hint: 'Make it smaller.' },

  // Gates of a bundle.
  LAYOUT_INVALID: { title: 'The bundle does not have the required layout.', hint: 'Compare with docs/registry.md.' },
  MANIFEST_INVALID: { title: 'The manifest is wrong.', hint: 'Correct manifest.yaml at the place named.' },
  ONTOLOGY_INVALID: { title: 'The ontology is wrong.', hint: 'Correct ontology/ontology.yaml at the place named.' },
  ENTITY_INVALID: {
    title: 'An entity schema is wrong or not allowed.',
    hint: 'Correct the schema at the place named.',
  },
  POLICY_INVALID: { title: 'A policy is wrong.', hint: 'Correct the policy at the place named.' },
  TEMPLATE_INVALID: {
    title: 'A template uses what is not allowed.',
    hint: 'Use {{ path }}, if, for and the allowed filters only.',
  },
  SUITE_INVALID: { title: 'A suite file is wrong.', hint: 'Correct the suite at the place named.' },
  SUITE_FAILED: { title: 'A suite did not pass.', hint: 'Run `contractor test` and read the failing cases.' },
  NOT_COVERED: {
    title: 'No case of a suite touches a part of the bundle.',
    hint: 'Add a case: `contractor try <bundle> "<question>" --save <suite>`.',
  },
  VERSION_NOT_BUMPED: {
    title: 'The content changed under a version that is already sealed.',
    hint: 'Raise bundle_version in manifest.yaml.',
  },
  BREAKING_CHANGE: {
    title: 'A breaking change needs a new MAJOR version.',
    hint: 'Raise the MAJOR version, or make the change compatible.',
  },
  SECRET_FOUND: {
    title: 'A secret stands in a file.',
    hint: 'Remove it, and change the secret: it is in the history.',
  },
  NOT_DETERMINISTIC: {
    title: 'The same case gave two different answers.',
    hint: 'Remove what depends on order or time.',
  },
  BUDGET_EXCEEDED: { title: 'The bundle needs more than its budget.', hint: 'Make the bundle smaller or simpler.' },
  GATE_TIMEOUT: {
    title: 'The gates did not finish in time and were stopped.',
    hint: 'Make the bundle smaller or simpler.',
  },
  GATE_CRASHED: {
    title: 'The process that runs the gates ended without a verdict.',
    hint: 'The bundle may exhaust memory; make it smaller or simpler.',
  },

  // Gates of an alias, and decisions that refuse or wait.
  NOT_SEALED: {
    title: 'The alias names a bundle version that is not sealed.',
    hint: 'Merge the bundle version first, and see whether its gates passed.',
  },
  DIGEST_MISMATCH: {
    title: 'The digest is not that of the bundle version.',
    hint: 'Write the digest that `contractor check` prints.',
  },
  NOT_CANDIDATE: {
    title: 'current only takes what is candidate.',
    hint: 'Promote the version to candidate first, or in the same change.',
  },
  APPROVAL_MISSING: { title: 'Approvals are missing.', hint: 'Have an approver run `contractor approve`.' },
  APPROVAL_INVALID: {
    title: 'An approval does not verify.',
    hint: 'Sign again: the statement names the digest, where the alias came from and its seq.',
  },
  APPROVAL_BY_AUTHOR: { title: 'Nobody approves what they wrote.', hint: 'Ask another approver.' },
  AUTHOR_UNMAPPED: {
    title: 'An author of the bundle is not in roles.yaml.',
    hint: "Add the author's e-mail to a principal in governance/roles.yaml.",
  },
  ROLE_MISSING: {
    title: 'The principal has no role for this.',
    hint: 'Ask somebody who has, or change governance/roles.yaml.',
  },
  SOAKING: { title: 'The candidate has not soaked long enough.', hint: 'Wait; the controller judges again by itself.' },
  SHADOW_PENDING: {
    title: 'The candidate has not been compared often enough with what is current.',
    hint: 'Turn on `shadow` in tenant.yaml and wait for the comparisons; see docs/gates.md.',
  },
  SHADOW_DIFFERS: {
    title: 'The candidate differed from what is current more often than the rule allows.',
    hint: 'Read the `shadow` records of the audit log; correct the candidate, or have owners raise the rule.',
  },
  FROZEN: {
    title: 'Promotions are frozen at this time.',
    hint: 'Wait for the end of the freeze, or roll back, which a freeze does not hold.',
  },
  TAG_CONFLICT: {
    title: 'Another object stands under the tag of this version.',
    hint: 'Find out who wrote it; raise the version.',
  },
  TENANT_ACTIVE: { title: 'An active tenant cannot be removed.', hint: 'Suspend the tenant first.' },
  TENANT_UNKNOWN: { title: 'There is no such tenant.', hint: 'Add tenants/<tenant>/tenant.yaml.' },
  MAIN_UNSIGNED: {
    title: 'A commit of main is signed by nobody whom the governance in force names.',
    hint: 'Sign commits of main, or have an owner accept it: contractor approve --main.',
  },
  MAIN_REWRITTEN: {
    title: 'main no longer descends from what was last judged.',
    hint: 'Restore main, or have an owner sign its acceptance.',
  },
  EVIDENCE_PENDING: { title: 'The gates are still running.', hint: 'Wait; the controller goes on by itself.' },
  GOVERNANCE_NOT_APPROVED: {
    title: "The change of governance lacks the owners' approvals.",
    hint: 'Have the owners named by the governance in force approve it.',
  },

  // Trust.
  UNTRUSTED: {
    title: 'A signature or a key is not trusted.',
    hint: 'Compare the pinned root with the registry; see docs/runbooks.',
  },
  SIGNATURE_MISSING: { title: 'Something that must be signed is not.', hint: 'Find out who wrote it.' },
  SIGNATURE_INVALID: { title: 'A signature does not verify.', hint: 'Find out who wrote it.' },
  ROLLBACK_DETECTED: {
    title: 'The ledger went back behind what was accepted.',
    hint: 'Restore live; see docs/runbooks.',
  },
  EQUIVOCATION: {
    title: 'Two different ledgers were signed for one sequence number.',
    hint: 'The controller key may be stolen; see docs/runbooks.',
  },
  LEDGER_BROKEN: { title: 'The ledger breaks its own rules.', hint: 'Run `contractor verify`.' },

  STATE_NOT_DURABLE: {
    title: 'What was accepted could not be written to disk.',
    hint: 'Look at the disk of the Runtime; until then a restart begins at an older head.',
  },

  // Git.
  OBJECT_CORRUPT: {
    title: 'A Git object is damaged or is not what its id says.',
    hint: 'Restore the object from a clone.',
  },
  OBJECT_MISSING: { title: 'A Git object is missing.', hint: 'Fetch again, or restore it from a clone.' },
  OBJECT_TOO_LARGE: { title: 'A Git object is larger than allowed.', hint: 'Make the file smaller.' },
  REF_CORRUPT: { title: 'A Git ref is malformed.', hint: 'Restore the ref from a clone.' },
  REF_CONFLICT: {
    title: 'Somebody else moved the ref first.',
    hint: 'Nothing to do: the loser looks again and decides again.',
  },
  REF_NAME_INVALID: {
    title: 'The name is not that of a ref that is read or written.',
    hint: 'Name the ref in full, in lower case: refs/heads/… or refs/tags/….',
  },
  PULL_UNRELATED: {
    title: 'The pull request has no commit in common with main.',
    hint: 'Begin the branch at main.',
  },
  FORGE_UNAVAILABLE: {
    title: 'The API of the forge takes no commit status.',
    hint: 'Nothing is held up but the status. Look at the token, its rights and the connection; it is tried again.',
  },
  REMOTE_UNAVAILABLE: {
    title: 'The Git server could not be reached or did not answer in time.',
    hint: 'Look at the connection; it is tried again.',
  },
  REMOTE_INVALID: {
    title: 'The Git server sent what may not be adopted; nothing of it was.',
    hint: 'Look at the server and the connection; it is tried again.',
  },
  REMOTE_REFUSED: { title: 'The Git server refused.', hint: 'Check the URL, the credentials and the rights.' },
  REPOSITORY_UNSAFE: {
    title: 'The repository has something that may not be there.',
    hint: 'Remove links, grafts, alternates and replace refs.',
  },

  // The command line and configuration.
  USAGE: { title: 'The command was called wrongly.', hint: 'Read `contractor help <command>`.' },
  CONFIG_INVALID: { title: 'A setting is missing or malformed.', hint: 'Correct the setting named.' },
  PORT_TAKEN: { title: 'The port is taken.', hint: 'Name another port.' },
  UNDECIDED: { title: 'It could not be decided in time.', hint: 'Try again, with a longer --timeout.' },
} as const satisfies Record<string, Entry>

export type Reason = keyof typeof REASONS

/** HTTP status of a reason; 500 for a code that is never an answer of its own. */
export function statusOf(reason: Reason): number {
  const entry: Entry = REASONS[reason]
  return entry.status ?? 500
}
