-- Settle a turn as a whole, if nobody settled another one since it was claimed.
-- KEYS  1 conversation HASH   2 mail LIST   3 journal LIST   4 archive LIST
--       5 due ZSET   6 chats ZSET   7 counters HASH   8 spoken_to ZSET
-- ARGV  1 version claimed ('' = none)   2 conversation JSON   3 mail folded, count
--       4 now, ms   5 chat   6 next wake, ms ('' = none)   7 journal kept
--       8 spoken to now, '1' or '0'
--       9 n journal entries, then n JSON; m archived, then m JSON; k counters, then k (name, by)
-- RETURN {new version, mail left}, or {-1, 0} when the version has moved on
if (redis.call('HGET', KEYS[1], 'v') or '') ~= ARGV[1] then
  return {-1, 0}
end
local version = redis.call('HINCRBY', KEYS[1], 'v', 1)
redis.call('HSET', KEYS[1], 'doc', ARGV[2])
if tonumber(ARGV[3]) > 0 then
  redis.call('LTRIM', KEYS[2], ARGV[3], -1)
end
local at = 9
for _ = 1, tonumber(ARGV[at]) do
  at = at + 1
  redis.call('RPUSH', KEYS[3], ARGV[at])
end
redis.call('LTRIM', KEYS[3], -tonumber(ARGV[7]), -1)
at = at + 1
for _ = 1, tonumber(ARGV[at]) do
  at = at + 1
  redis.call('RPUSH', KEYS[4], ARGV[at])
end
at = at + 1
for _ = 1, tonumber(ARGV[at]) do
  redis.call('HINCRBYFLOAT', KEYS[7], ARGV[at + 1], ARGV[at + 2])
  at = at + 2
end
local left = redis.call('LLEN', KEYS[2])
if left > 0 then
  redis.call('ZADD', KEYS[5], ARGV[4], ARGV[5])
elseif ARGV[6] == '' then
  redis.call('ZREM', KEYS[5], ARGV[5])
else
  redis.call('ZADD', KEYS[5], ARGV[6], ARGV[5])
end
redis.call('ZADD', KEYS[6], ARGV[4], ARGV[5])
if ARGV[8] == '1' then
  redis.call('ZADD', KEYS[8], ARGV[4], ARGV[5])
end
return {version, left}
