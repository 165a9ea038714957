-- Put a chat where the desk finds it, if it is still as it was read.
-- KEYS  1 conversation HASH   2…5 shelf ZSETs   6 words ZSET   7 refs HASH
-- ARGV  1 version read   2 chat   3…6 for each shelf, when something was last said, ms ('' = does
--       not stand there)   7 ref of the chat   8… words it is found by
-- RETURN 1 it stands there, 0 when it has changed or is gone
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then
  return 0
end
for shelf = 0, 3 do
  if ARGV[3 + shelf] == '' then
    redis.call('ZREM', KEYS[2 + shelf], ARGV[2])
  else
    redis.call('ZADD', KEYS[2 + shelf], ARGV[3 + shelf], ARGV[2])
  end
end
redis.call('HSET', KEYS[7], ARGV[7], ARGV[2])
for place = 8, #ARGV do
  redis.call('ZADD', KEYS[6], 0, ARGV[place])
end
return 1
