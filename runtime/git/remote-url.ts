import { Fault } from '../../schemas/fault.ts'

/**
 * The URL of a repository that an operator configured; nothing else is ever requested.
 * @throws Fault `CONFIG_INVALID`, without what could be a secret.
 */
export function parseRemoteUrl(location: string): URL {
  let url: URL
  try {
    url = new URL(location)
  } catch {
    throw new Fault('CONFIG_INVALID', 'the URL of the registry: expected https://host/path, found something else')
  }
  if (url.username !== '' || url.password !== '') {
    throw new Fault(
      'CONFIG_INVALID',
      `${url.origin}: expected a URL without user and password; set the credentials beside it`,
    )
  }
  if (url.search !== '' || url.hash !== '')
    throw new Fault('CONFIG_INVALID', `${url.origin}: expected a URL without ? and #`)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw notServed(location)
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

/** True for anything that is not a path: a URL of any scheme, or `user@host:path`. */
export function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(location) || /^[^/]*@[^/]*:/.test(location)
}

export function notServed(location: string): Fault {
  const shown = location.replace(/\/\/[^/]*@/, '//').slice(0, 200)
  return new Fault(
    'CONFIG_INVALID',
    `${shown}: expected a path or an https:// URL; ssh, git and file URLs are not served`,
  )
}
