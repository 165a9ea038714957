-- Put one event into a chat's mailbox, unless it has been there before.
-- KEYS  1 mail LIST   2 seen ZSET   3 due ZSET
-- ARGV  1 event id ('' = not deduplicated here)   2 event JSON   3 now, ms   4 chat   5 ids kept
-- RETURN 1 accepted, 0 known already
if ARGV[1] ~= '' then
  if redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[1]) == 0 then
    return 0
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -tonumber(ARGV[5]) - 1)
end
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[3], 'LT', ARGV[3], ARGV[4])
return 1
