-- A session is back: chats that waited for it are due again, the longest waiting first.
-- KEYS  1 held ZSET   2 due ZSET
-- ARGV  1 now, ms   2 at most so many   3 ms between two of them
-- RETURN {chat, when it is due (ms), …}
local released = {}
local chats = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)
for place, chat in ipairs(chats) do
  local due = string.format('%.0f', tonumber(ARGV[1]) + (place - 1) * tonumber(ARGV[3]))
  redis.call('ZADD', KEYS[2], 'LT', due, chat)
  redis.call('ZREM', KEYS[1], chat)
  released[#released + 1] = chat
  released[#released + 1] = redis.call('ZSCORE', KEYS[2], chat)
end
return released
