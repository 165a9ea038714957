-- Keep the newest word on something that is told in any order.
-- KEYS  1 HASH
-- ARGV  1 when it was said, ms   2 JSON
-- RETURN 1 kept, 0 something newer is known
if tonumber(redis.call('HGET', KEYS[1], 'at') or '0') > tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'last', ARGV[2])
return 1
