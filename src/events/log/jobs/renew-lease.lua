#!lua
--[[
  Renews a worker's lease on a job. A slow worker does not take back a job that another one has taken over. A job of the reserved
  consumer goes back to the worker.

  KEYS  1 work (stream)
  ARGV  group, consumer, entry id, reserved consumer
  Returns held, taken (another worker has it) or gone (the entry was removed: the job is finished or was deleted)
]]
local group, consumer, entry, unheld = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
-- Checked first: a pending entry may outlast its stream entry.
local pending = redis.call('XPENDING', KEYS[1], group, entry, entry, 1)
if #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then return 'gone' end
local holder = pending[1] and pending[1][2] or unheld
if holder ~= consumer and holder ~= unheld then return 'taken' end
redis.call('XCLAIM', KEYS[1], group, consumer, 0, entry, 'FORCE', 'JUSTID')
return 'held'
