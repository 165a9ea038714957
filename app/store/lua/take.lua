-- Take the next moment of a pace if it has come, and leave a pause after it.
-- KEYS  1 pace STRING
-- ARGV  1 now, ms   2 pause, ms   3 ms to keep
-- RETURN '' when it is taken, or when it will come, ms
-- A moment further off than two pauses was taken by a clock that is ahead: it must not stop others.
local free = tonumber(redis.call('GET', KEYS[1]) or '0')
if free > tonumber(ARGV[1]) and free <= ARGV[1] + 2 * ARGV[2] then
  return string.format('%.0f', free)
end
redis.call('SET', KEYS[1], string.format('%.0f', ARGV[1] + ARGV[2]), 'PX', ARGV[3])
return ''
