-- A person saw a chat at the desk, up to its newest message.
-- KEYS  1 ZSET of the shelf with all chats   2 looked ZSET   3 changes STREAM
-- ARGV  1 chat   2 time of the newest message seen, ms   3 changes kept
-- RETURN 1 more was seen than before, 0 no more than before, or there is no such chat
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
if redis.call('ZADD', KEYS[2], 'GT', 'CH', ARGV[2], ARGV[1]) == 0 then
  return 0
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'chat', ARGV[1])
return 1
