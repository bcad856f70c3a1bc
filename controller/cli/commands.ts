import { approve } from './approve.ts'
import { auditExport, auditProve, auditTail, auditVerify } from './audit.ts'
import { check } from './check.ts'
import type { CommandSpec } from './command.ts'
import { completionOf } from './completion.ts'
import { controller } from './controller.ts'
import { diff } from './diff.ts'
import { doctor } from './doctor.ts'
import { exec } from './exec.ts'
import { explain } from './explain.ts'
import { exportRegistry } from './export.ts'
import { fmt } from './fmt.ts'
import { init } from './init.ts'
import { keysCreate, keysList, keysRevoke } from './keys.ts'
import { log } from './log.ts'
import { newBundle, newTenant } from './new.ts'
import { promote } from './promote.ts'
import { revoke } from './revoke.ts'
import { rollback } from './rollback.ts'
import { rootInit } from './root-init.ts'
import { rootRotate, rootSign } from './root-rotate.ts'
import { run } from './run.ts'
import { runtime } from './runtime.ts'
import { status } from './status.ts'
import { resume, suspend } from './suspend.ts'
import { test } from './test.ts'
import { tryQuestion } from './try.ts'
import { up } from './up/up.ts'
import { verify } from './verify.ts'
import { version } from './version.ts'
import { wait } from './wait.ts'

/** Every command, in the order in which the help shows them: start, author, promote, look, operate. */
export const COMMANDS: readonly CommandSpec[] = [
  up,
  init,
  newBundle,
  newTenant,
  check,
  test,
  tryQuestion,
  diff,
  run,
  fmt,
  promote,
  approve,
  rollback,
  suspend,
  resume,
  revoke,
  wait,
  status,
  log,
  exec,
  verify,
  exportRegistry,
  auditVerify,
  auditProve,
  auditTail,
  auditExport,
  keysCreate,
  keysRevoke,
  keysList,
  rootInit,
  rootSign,
  rootRotate,
  controller,
  runtime,
  doctor,
  explain,
  completionOf(() => COMMANDS),
  version,
]
