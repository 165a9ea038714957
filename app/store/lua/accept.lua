-- Put one event into a chat's mailbox, unless it has been there before.
-- KEYS  1 mail LIST   2 seen ZSET   3 due ZSET   4 told STRING of the message   5 changes STREAM
-- ARGV  1 event id ('' = not deduplicated here)   2 event JSON   3 now, ms   4 chat   5 ids kept
--       6 seconds to keep where the message was told ('' = it is no customer's message)
--       7 changes kept
-- RETURN 1 accepted, 0 known already, or the chat it was told in before: put it there
if ARGV[6] ~= '' then
  local told = redis.call('GET', KEYS[4])
  if told and told ~= ARGV[4] then
    return told
  end
  redis.call('SET', KEYS[4], ARGV[4], 'EX', ARGV[6])
end
if ARGV[1] ~= '' then
  if redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[1]) == 0 then
    return 0
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -tonumber(ARGV[5]) - 1)
end
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[3], 'LT', ARGV[3], ARGV[4])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[7], '*', 'chat', ARGV[4])
return 1
