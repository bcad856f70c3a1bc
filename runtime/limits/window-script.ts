import { createHash } from 'node:crypto'
import { OWN_COUNTERS } from '../http/quota.ts'

/**
 * Counts one request in Redis, in one step that no other comes between: sliding minutes of tenant, key and user, and
 * the tenant's UTC day and month. A window is a sorted set of the milliseconds in which something was counted, and a
 * hash of how many were (`n` is their sum), so that it takes at most 60,000 entries however high the limit is; an event
 * counts until exactly 60,000 ms after it, as in `SlidingWindow`. The clock is that of Redis, which all Runtimes share.
 * A day or month is a number for the tenant, and a hash of its keys and users, in which only so many users have a field
 * of their own, so that whoever makes up names takes no more room and nobody's field.
 *
 * KEYS: prefix of the tenant. ARGV: names of windows `tenant`, `key …`, `user …` (empty: none) and their limits, then
 * the fields of key and user (empty: none) and the one that later users share, then the quotas of a month and of a day of
 * tenant, key and user (-1: none). Answers `{ refused by, limit, remaining, ms to wait, ms of the clock }`,
 * refused by 0 nothing, 1 a window, 2 the day, 3 the month.
 */
export const WINDOW_SCRIPT = `
local MINUTE = 60000
local prefix = KEYS[1]
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)

local function month(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local mp = math.floor((5 * (doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))) + 2) / 153)
  local m = mp + 3
  if m > 12 then m = m - 12 end
  local y = yoe + era * 400
  if m <= 2 then y = y + 1 end
  return y * 12 + m
end

local day = math.floor(clock / 86400000)
local periods = {
  { prefix .. 'month:' .. month(day), 33 * 86400, 3 },
  { prefix .. 'day:' .. day, 2 * 86400, 2 },
}
local closest = nil
for nth, period in ipairs(periods) do
  local total = period[1]
  local parts = total .. ':parts'
  local user = ARGV[8]
  if tonumber(ARGV[9 + nth * 3]) < 0 then user = '' end
  if user ~= '' and redis.call('HEXISTS', parts, user) == 0 and redis.call('HLEN', parts) >= ${OWN_COUNTERS} then
    user = ARGV[9]
  end
  period[4] = user
  for whose, field in ipairs({ 'tenant', ARGV[7], user }) do
    local limit = tonumber(ARGV[6 + nth * 3 + whose])
    if field ~= '' and limit >= 0 then
      local used
      if whose == 1 then used = redis.call('GET', total) else used = redis.call('HGET', parts, field) end
      local remaining = limit - tonumber(used or 0)
      if remaining <= 0 then return { period[3], limit, 0, 0, clock } end
      if not closest or remaining < closest[2] then closest = { limit, remaining } end
    end
  end
end

local windows = {}
for at = 1, 5, 2 do
  local name, limit = ARGV[at], tonumber(ARGV[at + 1])
  if name ~= '' then
    local times, counts = prefix .. name .. ':t', prefix .. name .. ':c'
    local now = clock
    local last = tonumber(redis.call('ZRANGE', times, -1, -1)[1])
    if last and last > now then
      if last - now > MINUTE then redis.call('DEL', times, counts) else now = last end
    end
    local over = redis.call('ZRANGEBYSCORE', times, '-inf', now - MINUTE)
    if #over > 0 then
      local sum = 0
      for _, slot in ipairs(over) do
        sum = sum + tonumber(redis.call('HGET', counts, slot) or 0)
        redis.call('HDEL', counts, slot)
      end
      redis.call('ZREMRANGEBYSCORE', times, '-inf', now - MINUTE)
      redis.call('HINCRBY', counts, 'n', -sum)
    end
    local count = tonumber(redis.call('HGET', counts, 'n') or 0)
    local remaining = limit - count
    if remaining <= 0 then
      local wait, excess, from = MINUTE, count - limit + 1, 0
      while limit > 0 and excess > 0 do
        local slots = redis.call('ZRANGE', times, from, from + 499)
        if #slots == 0 then break end
        for _, slot in ipairs(slots) do
          excess = excess - tonumber(redis.call('HGET', counts, slot) or 0)
          if excess <= 0 then
            wait = tonumber(slot) + MINUTE - now
            break
          end
        end
        from = from + 500
      end
      return { 1, limit, 0, wait, clock }
    end
    if not closest or remaining < closest[2] then closest = { limit, remaining } end
    windows[#windows + 1] = { times, counts, now }
  end
end

for _, window in ipairs(windows) do
  local times, counts, now = window[1], window[2], window[3]
  redis.call('ZADD', times, now, string.format('%.0f', now))
  redis.call('HINCRBY', counts, string.format('%.0f', now), 1)
  redis.call('HINCRBY', counts, 'n', 1)
  redis.call('PEXPIRE', times, 2 * MINUTE)
  redis.call('PEXPIRE', counts, 2 * MINUTE)
end
for _, period in ipairs(periods) do
  local total, keep, user = period[1], period[2], period[4]
  local parts = total .. ':parts'
  redis.call('INCR', total)
  redis.call('EXPIRE', total, keep)
  redis.call('HINCRBY', parts, ARGV[7], 1)
  if user ~= '' then redis.call('HINCRBY', parts, user, 1) end
  redis.call('EXPIRE', parts, keep)
end
return { 0, closest[1], closest[2] - 1, 0, clock }
`

/** What `EVALSHA` names it by. */
export const WINDOW_SCRIPT_SHA = createHash('sha1').update(WINDOW_SCRIPT).digest('hex')
