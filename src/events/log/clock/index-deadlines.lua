#!lua
--[[
  Brings the index of deadlines in line with states that the caller has read. Leaves alone every stream that an append has changed
  since: that append wrote the deadline itself.

  KEYS  1 meta (hash)  2 states (hash)  3 deadlines (sorted set)
  ARGV  incarnation, rules of the index once it is complete (""; not yet), then for each stream: name; revision (0: no state is stored);
        when the clock must next act on it (ms; "": never)
  Returns 'indexed', or 'wrong_log' and the incarnation found, or ""
]]
local meta, states, deadlines = KEYS[1], KEYS[2], KEYS[3]
local incarnation = redis.call('HGET', meta, 'incarnation')
if incarnation ~= ARGV[1] then return { 'wrong_log', incarnation or '' } end
for i = 3, #ARGV, 3 do
  local stream, revision, deadline = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local stored = redis.call('HGET', states, stream)
  if (stored and string.match(stored, '^%d+') or '0') == revision then
    if deadline == '' then redis.call('ZREM', deadlines, stream) else redis.call('ZADD', deadlines, deadline, stream) end
  end
end
if ARGV[2] ~= '' then redis.call('HSET', meta, 'deadlines', ARGV[2]) end
return { 'indexed' }
