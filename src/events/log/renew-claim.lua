#!lua
--[[
  Says that a worker is still at work on a job, if the job is still its own: a worker that was only slow must not
  take back what another one has taken over.

  KEYS  1 work (stream)
  ARGV  group, consumer, entry id
  Returns 1 when the claim was renewed, 0 when the job belongs to another or is finished
]]
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if #pending == 0 or pending[1][2] ~= ARGV[2] then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
return 1
