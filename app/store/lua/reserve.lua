-- Take a place under the daily cap. Asking again with the same id takes no second one.
-- KEYS  1 day SET
-- ARGV  1 message id   2 cap   3 seconds to keep
-- RETURN 1 held, 0 the day is full
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then
  return 1
end
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
