-- Begin a turn: read all there is to decide on, and note that it was begun.
-- KEYS  1 conversation HASH   2 mail LIST
-- RETURN {version ('' = none), conversation JSON ('' = none), turns begun, {mail JSON, …}}
local begun = redis.call('HINCRBY', KEYS[1], 'n', 1)
local known = redis.call('HMGET', KEYS[1], 'v', 'doc')
return {known[1] or '', known[2] or '', begun, redis.call('LRANGE', KEYS[2], 0, -1)}
