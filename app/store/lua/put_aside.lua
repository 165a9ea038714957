-- Take claimed letters out of a mailbox, because they were given to somebody else.
-- Asked again after they are gone, it changes nothing. Without any, only the wake is set.
-- Whoever claimed them too must not settle them: by their number, others would go with them.
-- KEYS  1 conversation HASH   2 mail LIST   3 due ZSET
-- ARGV  1 the first of them, as it lies there ('' = none)   2 how many   3 now, ms   4 chat
--       5 next wake, ms ('' = none)
-- RETURN 1 taken out, 0 they are not there any more
if tonumber(ARGV[2]) > 0 then
  if redis.call('LINDEX', KEYS[2], 0) ~= ARGV[1] then
    return 0
  end
  redis.call('LTRIM', KEYS[2], ARGV[2], -1)
  redis.call('HINCRBY', KEYS[1], 'v', 1)
end
redis.call('HDEL', KEYS[1], 'n')
if redis.call('LLEN', KEYS[2]) > 0 then
  redis.call('ZADD', KEYS[3], ARGV[3], ARGV[4])
elseif ARGV[5] == '' then
  redis.call('ZREM', KEYS[3], ARGV[4])
else
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
end
return 1
