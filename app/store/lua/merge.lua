-- Move all of one chat into another: the same person under two addresses.
-- KEYS  1 conversation HASH, 2 mail LIST, 3 journal LIST, 4 archive LIST, 5 seen ZSET of the chat
--       that is left; 6…10 the same of the one that stays
--       11 due ZSET   12 chats ZSET   13 spoken_to ZSET   14 hidden_stops SET
--       15 counters HASH   16 called ZSET
-- ARGV  1 version of the chat left ('' = none)   2 version of the one that stays ('' = none)
--       3 JSON Conversation of both ('' = only mail moves)   4 journal kept   5 ids kept   6 now, ms
--       7 the chat left   8 the one that stays   9 hidden id   10 token
--       11 how many counters move, then (name, by) of each, then JSON journal entries of the merge
-- RETURN 1 moved, 0 when either has changed since it was read
local left = redis.call('HGET', KEYS[1], 'v') or ''
local kept = redis.call('HMGET', KEYS[6], 'v', 'token')
if kept[2] == ARGV[10] then
  return 1
end
if left ~= ARGV[1] or (kept[1] or '') ~= ARGV[2] then
  return 0
end
local function move(from, to)
  for _, value in ipairs(redis.call('LRANGE', from, 0, -1)) do
    redis.call('RPUSH', to, value)
  end
end
if ARGV[3] ~= '' then
  redis.call('HINCRBY', KEYS[6], 'v', 1)
  redis.call('HSET', KEYS[6], 'doc', ARGV[3], 'token', ARGV[10])
  redis.call('ZADD', KEYS[12], ARGV[6], ARGV[8])
end
move(KEYS[2], KEYS[7])
move(KEYS[3], KEYS[8])
local counted = tonumber(ARGV[11])
for place = 12, 10 + 2 * counted, 2 do
  redis.call('HINCRBYFLOAT', KEYS[15], ARGV[place], ARGV[place + 1])
end
for place = 12 + 2 * counted, #ARGV do
  redis.call('RPUSH', KEYS[8], ARGV[place])
end
redis.call('LTRIM', KEYS[8], -tonumber(ARGV[4]), -1)
move(KEYS[4], KEYS[9])
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('ZUNIONSTORE', KEYS[10], 2, KEYS[10], KEYS[5], 'AGGREGATE', 'MIN')
  redis.call('ZREMRANGEBYRANK', KEYS[10], 0, -tonumber(ARGV[5]) - 1)
end
local spoken = redis.call('ZSCORE', KEYS[13], ARGV[7])
if spoken then
  redis.call('ZADD', KEYS[13], 'GT', spoken, ARGV[8])
end
local called = redis.call('ZSCORE', KEYS[16], ARGV[7])
if called then
  redis.call('ZADD', KEYS[16], 'LT', called, ARGV[8])
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
for _, index in ipairs({11, 12, 13, 16}) do
  redis.call('ZREM', KEYS[index], ARGV[7])
end
redis.call('SREM', KEYS[14], ARGV[9])
redis.call('ZADD', KEYS[11], 'LT', ARGV[6], ARGV[8])
return 1
