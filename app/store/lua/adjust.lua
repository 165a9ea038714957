-- Change the rules, if nobody changed them since they were read.
-- A client that lost the answer asks again with the same log, and gets the same answer.
-- KEYS  1 rules HASH   2 rules_log LIST
-- ARGV  1 version read   2 the new one   3 JSON Adjustments   4 log kept
--       5 '1' when what waits may wait for what was changed, else '0'   6… JSON Logged, in order
-- RETURN 1 changed, 0 somebody else was first
local known = redis.call('HGET', KEYS[1], 'v') or '0'
if known == ARGV[2] and redis.call('LINDEX', KEYS[2], 0) == ARGV[#ARGV] then
  return 1
end
if known ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'doc', ARGV[3])
if ARGV[5] == '0' and (redis.call('HGET', KEYS[1], 'told') or '0') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'told', ARGV[2])
end
for at = 6, #ARGV do
  redis.call('LPUSH', KEYS[2], ARGV[at])
end
redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
return 1
