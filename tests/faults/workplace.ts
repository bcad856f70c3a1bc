import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In memory where the system has such a folder: what a crash leaves is simulated, so that no disk is needed. */
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const makeWorkplace = (): Promise<string> => mkdtemp(join(BASE, 'contractor-faults-'))
