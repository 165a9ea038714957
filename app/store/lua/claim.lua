-- Begin a turn: read all there is to decide on, and note that it was begun.
-- KEYS  1 conversation HASH   2 mail LIST
-- RETURN {version ('' = none), conversation JSON ('' = none), turns begun, {mail JSON, …}}
local known = redis.call('HMGET', KEYS[1], 'v', 'doc')
local mail = redis.call('LRANGE', KEYS[2], 0, -1)
local begun = 0
if known[1] or #mail > 0 then
  begun = redis.call('HINCRBY', KEYS[1], 'n', 1)
end
return {known[1] or '', known[2] or '', begun, mail}
