-- Write known orders, each unless somebody has written or erased it since it was read.
-- A client that lost the answer asks again, and gets the same one.
-- KEYS  three of each order: its STRING   orders ZSET of its shop   orders_of SET of its chat
-- ARGV  five of each order: JSON KnownOrder as it was read ('' = none)   the same as it is now
--       code   when it was made, ms   its name in the chat's SET ('' = it is nobody's)
-- RETURN {1 written or 0, …}
local written = {}
for place = 1, #KEYS / 3 do
  local at, key = 5 * place - 4, 3 * place - 2
  local there = redis.call('GET', KEYS[key]) or ''
  if there == ARGV[at] then
    redis.call('SET', KEYS[key], ARGV[at + 1])
    redis.call('ZADD', KEYS[key + 1], 'NX', ARGV[at + 3], ARGV[at + 2])
    if ARGV[at + 4] ~= '' then
      redis.call('SADD', KEYS[key + 2], ARGV[at + 4])
    end
  end
  written[place] = (there == ARGV[at] or there == ARGV[at + 1]) and 1 or 0
end
return written
