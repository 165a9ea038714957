-- Move all of one chat into another: the same person under two addresses.
-- KEYS  1 conversation HASH, 2 mail LIST, 3 journal LIST, 4 archive LIST, 5 seen ZSET of the chat
--       that is left; 6…10 the same of the one that stays
--       11 due ZSET   12 chats ZSET   13 spoken_to ZSET   14 hidden_stops SET
--       15 counters HASH   16 called ZSET   17…20 shelf ZSETs   21 words ZSET   22 refs HASH
--       23 looked ZSET   24 changes STREAM   25 this day's figures HASH
-- ARGV  1 version of the chat left ('' = none)   2 version of the one that stays ('' = none)
--       3 JSON Conversation of both ('' = only mail moves)   4 journal kept   5 ids kept   6 now, ms
--       7 the chat left   8 the one that stays   9 hidden id   10 token
--       11…14 for each shelf, when something was last said in both, ms ('' = does not stand there)
--       15 ref of the chat left   16 ref of the one that stays   17 changes kept
--       18 seconds a day's figures are kept
--       19 then four lists, each led by its length: words of neither any more; words of both;
--       counters (name, by); JSON journal entries of the merge
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
local at = 19
local function list(width, act)
  local length = tonumber(ARGV[at])
  for _ = 1, length do
    act(ARGV[at + 1], ARGV[at + width])
    at = at + width
  end
  at = at + 1
  return length
end
if ARGV[3] ~= '' then
  redis.call('HINCRBY', KEYS[6], 'v', 1)
  redis.call('HSET', KEYS[6], 'doc', ARGV[3], 'token', ARGV[10])
  redis.call('ZADD', KEYS[12], ARGV[6], ARGV[8])
  for shelf = 0, 3 do
    if ARGV[11 + shelf] == '' then
      redis.call('ZREM', KEYS[17 + shelf], ARGV[8])
    else
      redis.call('ZADD', KEYS[17 + shelf], ARGV[11 + shelf], ARGV[8])
    end
  end
  redis.call('HSET', KEYS[22], ARGV[15], ARGV[8], ARGV[16], ARGV[8])
end
move(KEYS[2], KEYS[7])
move(KEYS[3], KEYS[8])
list(1, function(word) redis.call('ZREM', KEYS[21], word) end)
list(1, function(word) redis.call('ZADD', KEYS[21], 0, word) end)
local counted = list(2, function(name, by)
  redis.call('HINCRBYFLOAT', KEYS[15], name, by)
  redis.call('HINCRBYFLOAT', KEYS[25], name, by)
end)
if counted > 0 then
  redis.call('EXPIRE', KEYS[25], ARGV[18])
end
list(1, function(entry) redis.call('RPUSH', KEYS[8], entry) end)
redis.call('LTRIM', KEYS[8], -tonumber(ARGV[4]), -1)
move(KEYS[4], KEYS[9])
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('ZUNIONSTORE', KEYS[10], 2, KEYS[10], KEYS[5], 'AGGREGATE', 'MIN')
  redis.call('ZREMRANGEBYRANK', KEYS[10], 0, -tonumber(ARGV[5]) - 1)
end
local function keep(index, which)
  local score = redis.call('ZSCORE', KEYS[index], ARGV[7])
  if score then
    redis.call('ZADD', KEYS[index], which, score, ARGV[8])
  end
end
keep(13, 'GT')
keep(16, 'LT')
keep(23, 'GT')
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
for _, index in ipairs({11, 12, 13, 16, 17, 18, 19, 20, 23}) do
  redis.call('ZREM', KEYS[index], ARGV[7])
end
redis.call('SREM', KEYS[14], ARGV[9])
redis.call('ZADD', KEYS[11], 'LT', ARGV[6], ARGV[8])
for _, chat in ipairs({ARGV[7], ARGV[8]}) do
  redis.call('XADD', KEYS[24], 'MAXLEN', '~', ARGV[17], '*', 'chat', chat)
end
return 1
