-- Take the next moment of a pace if it has come, and leave a pause after it.
-- KEYS  1 pace STRING
-- ARGV  1 now, ms   2 pause, ms   3 ms to keep
-- RETURN '' when it is taken, or when it will come, ms
local free = redis.call('GET', KEYS[1])
if free and tonumber(free) > tonumber(ARGV[1]) then
  return free
end
redis.call('SET', KEYS[1], string.format('%.0f', ARGV[1] + ARGV[2]), 'PX', ARGV[3])
return ''
