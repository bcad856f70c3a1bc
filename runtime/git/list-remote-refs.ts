import type { Credentials } from './credentials.ts'
import { openHttpClient } from './http-client.ts'
import { parseRemoteUrl } from './remote-url.ts'
import { openServerRefs } from './server-refs.ts'

const LIMITS = { stallMs: 10_000, totalMs: 20_000, maxBytes: 16 * 1024 * 1024 }

/**
 * Refs of a server below some prefixes, name → oid, without fetching anything.
 * @throws Fault `REMOTE_UNAVAILABLE`, `REMOTE_REFUSED`, `REMOTE_INVALID`
 */
export async function listRemoteRefs(
  location: string,
  prefixes: readonly string[],
  credentials: Credentials | undefined,
): Promise<Map<string, string>> {
  const client = openHttpClient(parseRemoteUrl(location), credentials?.() ?? null)
  try {
    return await openServerRefs(client, prefixes, LIMITS)()
  } finally {
    client.close()
  }
}
