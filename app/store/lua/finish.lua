-- End a turn that did not die, and make sure that nothing past wakes the chat for ever.
-- KEYS  1 conversation HASH   2 mail LIST   3 due ZSET
-- ARGV  1 chat   2 version the turn ended with ('' = none, '-' = leave the due time alone)
--       3 next wake, ms ('' = none)
-- RETURN when the chat is to be looked at next, ms; false for never
redis.call('HDEL', KEYS[1], 'n')
local version = redis.call('HGET', KEYS[1], 'v') or ''
if version == ARGV[2] and redis.call('LLEN', KEYS[2]) == 0 then
  if ARGV[3] == '' then
    redis.call('ZREM', KEYS[3], ARGV[1])
  else
    redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
  end
end
return redis.call('ZSCORE', KEYS[3], ARGV[1])
