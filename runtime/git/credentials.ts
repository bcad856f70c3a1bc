import { Fault } from '../../schemas/fault.ts'

/** Gives the value of an `Authorization` header. A function, so that no log or error prints what it holds. */
export type Credentials = () => string

/** A personal or deploy token, as GitHub, GitLab and Gitea take it over HTTPS. */
export function tokenCredentials(token: string): Credentials {
  return basicCredentials('x-access-token', token)
}

/** What an operator configured for the registry, as options of `openRepository`. */
export function registryCredentials({
  registryToken,
  registryUser,
}: {
  registryToken: string | null
  registryUser?: string
}): { credentials?: Credentials } {
  if (registryToken === null) return {}
  const named = registryUser !== undefined
  return { credentials: named ? basicCredentials(registryUser, registryToken) : tokenCredentials(registryToken) }
}

/** @throws Fault `CONFIG_INVALID` for what no header can carry; the message holds neither value. */
export function basicCredentials(username: string, password: string): Credentials {
  const control = Buffer.from(username + password).some((byte) => byte < 0x20 || byte === 0x7f)
  if (username === '' || username.includes(':') || password === '' || control) {
    throw new Fault('CONFIG_INVALID', 'credentials: expected a user name and a password or token on one line each')
  }
  const value = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  return () => value
}
