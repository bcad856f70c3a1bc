/** `timestamp` in seconds since 1970, `timezone` as `+0000`. Only what the author claims: never proof of a time. */
export type Person = { name: string; email: string; timestamp: number; timezone: string }

const PERSON = /^([^<>\n\0]*) <([^<>\n\0]*)> (0|[1-9]\d{0,11}) ([+-])(\d{2})([0-5]\d)$/
const MAX_ZONE_HOURS = 14

/** Reads what follows `author ` and its like; `null` when it is malformed in any way. */
export function parsePerson(text: string): Person | null {
  const match = PERSON.exec(text)
  if (match === null || Number(match[5]) > MAX_ZONE_HOURS) return null
  const [, name = '', email = '', timestamp, sign, hours, minutes] = match
  return { name, email, timestamp: Number(timestamp), timezone: `${sign}${hours}${minutes}` }
}

export function formatPerson({ name, email, timestamp, timezone }: Person): string {
  return `${name} <${email}> ${timestamp} ${timezone}`
}
