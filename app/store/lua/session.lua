-- Keep the newest word on a WhatsApp session, which is told in any order.
-- KEYS  1 session HASH   2 signs HASH of the session's day
-- ARGV  1 when it was said, ms   2 status ('' = nothing said)   3 end of the ban on new contacts,
--       ms ('' = nothing said, a past time = lifted)   4 our phone ('' = unknown)   5 our lid
--       6 seconds to keep the signs   7 the status that means that it works
--       8 '1' when the ban was read from a refusal   9 now, ms: what is known from later is nothing
-- RETURN {1 when the status changed, 1 when a ban is news}
local at = tonumber(ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'status', 'at', 'until', 'said', 'heard')
local changed, banned = 0, 0
local function isnews(told)
  local then_ = tonumber(told or '0')
  return at >= then_ or then_ > tonumber(ARGV[9]) + 60000
end
if ARGV[2] ~= '' and isnews(known[2]) then
  if known[1] ~= ARGV[2] then
    changed = 1
    redis.call('HSET', KEYS[1], 'since', ARGV[1])
    if known[1] == ARGV[7] then
      redis.call('HINCRBY', KEYS[2], 'flapped', 1)
    end
    if ARGV[2] ~= ARGV[7] or not known[1] then
      redis.call('HSETNX', KEYS[1], 'gap', known[5] or ARGV[1])
    end
  end
  redis.call('HSET', KEYS[1], 'status', ARGV[2], 'at', ARGV[1])
end
if ARGV[3] ~= '' and isnews(known[4]) then
  if tonumber(ARGV[3]) > at and tonumber(known[3] or '0') <= at then
    banned = 1
    redis.call('HINCRBY', KEYS[2], 'restricted', 1)
  end
  redis.call('HSET', KEYS[1], 'until', ARGV[3], 'said', ARGV[1], 'inferred', ARGV[8])
end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'phone', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'lid', ARGV[5]) end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
return {changed, banned}
