-- Settle a turn as a whole, if nobody settled another one since it was claimed.
-- A client that lost the answer asks again with the same token, and gets the same answer.
-- KEYS  1 conversation HASH   2 mail LIST   3 journal LIST   4 archive LIST
--       5 due ZSET   6 chats ZSET   7 counters HASH   8 spoken_to ZSET   9 buried HASH
--       10 this day's costs HASH   11 called ZSET   12…15 shelf ZSETs   16 words ZSET
--       17 refs HASH   18 changes STREAM   19 this day's figures HASH
--       20… this day's SET of each shop
-- ARGV  1 version claimed ('' = none)   2 token of this commit   3 conversation JSON
--       4 letters folded   5 now, ms   6 chat   7 next wake, ms ('' = none)
--       8 journal kept   9 spoken to now, '1' or '0'
--       10 since when a person is called here, ms ('' = nobody is)
--       11…14 for each shelf, when something was last said, ms ('' = does not stand there)
--       15 ref of the chat   16 changes kept
--       17 then nine lists, each led by its length: journal entries; archived messages;
--       counters (name, by); buried (id, JSON); ids not buried any more; ids that hold no place in
--       the day any more; words it is not found by any more; words it is found by now;
--       costs (field, by); at last the seconds a day's costs and figures are kept
-- RETURN {new version, mail left}, or {-1, 0} when the version has moved on
local known = redis.call('HMGET', KEYS[1], 'v', 'token')
if known[2] == ARGV[2] then
  return {tonumber(known[1]), redis.call('LLEN', KEYS[2])}
end
if (known[1] or '') ~= ARGV[1] then
  return {-1, 0}
end
local version = redis.call('HINCRBY', KEYS[1], 'v', 1)
redis.call('HSET', KEYS[1], 'doc', ARGV[3], 'token', ARGV[2])
if tonumber(ARGV[4]) > 0 then
  redis.call('LTRIM', KEYS[2], ARGV[4], -1)
  redis.call('HDEL', KEYS[1], 'n')
end
local at = 17
local function list(width, act)
  local length = tonumber(ARGV[at])
  for _ = 1, length do
    act(ARGV[at + 1], ARGV[at + width])
    at = at + width
  end
  at = at + 1
  return length
end
list(1, function(entry) redis.call('RPUSH', KEYS[3], entry) end)
redis.call('LTRIM', KEYS[3], -tonumber(ARGV[8]), -1)
list(1, function(message) redis.call('RPUSH', KEYS[4], message) end)
local counted = list(2, function(name, by)
  redis.call('HINCRBYFLOAT', KEYS[7], name, by)
  redis.call('HINCRBYFLOAT', KEYS[19], name, by)
end)
list(2, function(id, json) redis.call('HSET', KEYS[9], id, json) end)
list(1, function(id) redis.call('HDEL', KEYS[9], id) end)
list(1, function(id)
  for day = 20, #KEYS do
    redis.call('SREM', KEYS[day], id)
  end
end)
list(1, function(word) redis.call('ZREM', KEYS[16], word) end)
list(1, function(word) redis.call('ZADD', KEYS[16], 0, word) end)
if list(2, function(field, by) redis.call('HINCRBYFLOAT', KEYS[10], field, by) end) > 0 then
  redis.call('EXPIRE', KEYS[10], ARGV[at])
end
if counted > 0 then
  redis.call('EXPIRE', KEYS[19], ARGV[at])
end
local left = redis.call('LLEN', KEYS[2])
if left > 0 then
  redis.call('ZADD', KEYS[5], ARGV[5], ARGV[6])
elseif ARGV[7] == '' then
  redis.call('ZREM', KEYS[5], ARGV[6])
else
  redis.call('ZADD', KEYS[5], ARGV[7], ARGV[6])
end
redis.call('ZADD', KEYS[6], ARGV[5], ARGV[6])
local function stand(index, score)
  if score == '' then
    redis.call('ZREM', index, ARGV[6])
  else
    redis.call('ZADD', index, score, ARGV[6])
  end
end
stand(KEYS[11], ARGV[10])
for shelf = 0, 3 do
  stand(KEYS[12 + shelf], ARGV[11 + shelf])
end
if ARGV[9] == '1' then
  redis.call('ZADD', KEYS[8], ARGV[5], ARGV[6])
end
redis.call('HSET', KEYS[17], ARGV[15], ARGV[6])
redis.call('XADD', KEYS[18], 'MAXLEN', '~', ARGV[16], '*', 'chat', ARGV[6])
return {version, left}
