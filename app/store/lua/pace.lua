-- Take the session's next free moment, and leave a pause after it.
-- KEYS  1 pace STRING
-- ARGV  1 now, ms   2 pause, ms   3 ms to keep
-- RETURN the moment, ms
local moment = math.max(tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0'))
redis.call('SET', KEYS[1], string.format('%.0f', moment + tonumber(ARGV[2])), 'PX', ARGV[3])
return string.format('%.0f', moment)
