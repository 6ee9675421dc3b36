#!lua
--[[
  Creates the job of a running attempt again after its entry was deleted, so that the prompt survives this worker.
  A finished stream gets no job: the append that finished it removed its job.

  KEYS  1 meta (hash)  2 states (hash)  3 work (stream)
  ARGV  incarnation, group, consumer, kind, stream, position
  Returns the id of the new entry, or "" if the stream is finished or this is another log
]]
local work, group = KEYS[3], ARGV[2]
if redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[1] or redis.call('HEXISTS', KEYS[2], ARGV[5]) == 0 then return '' end
local function field(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end
local newest, handedOut = field(redis.call('XINFO', 'STREAM', work), 'last-generated-id'), nil
for _, found in ipairs(redis.call('XINFO', 'GROUPS', work)) do
  if field(found, 'name') == group then handedOut = field(found, 'last-delivered-id') end
end
local entry = redis.call('XADD', work, '*', 'kind', ARGV[4], 'stream', ARGV[5], 'position', ARGV[6])
-- The running worker takes the new entry at once, unless other jobs wait before it.
if newest == handedOut then redis.call('XREADGROUP', 'GROUP', group, ARGV[3], 'COUNT', 1, 'STREAMS', work, '>') end
return entry
