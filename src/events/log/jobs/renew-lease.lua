#!lua
--[[
  Says that a worker is still at work on a job, if the job is still its own: a worker that was only slow must not
  take back what another one has taken over. A job that no worker holds is its own again.

  KEYS  1 work (stream)
  ARGV  group, consumer, entry id, name that holds the jobs of no worker
  Returns held, taken (another worker has it) or gone (the entry was removed: the job is finished, or somebody deleted it)
]]
local group, consumer, entry, unheld = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
-- First, since a claim may outlast its entry.
local pending = redis.call('XPENDING', KEYS[1], group, entry, entry, 1)
if #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then return 'gone' end
local holder = pending[1] and pending[1][2] or unheld
if holder ~= consumer and holder ~= unheld then return 'taken' end
redis.call('XCLAIM', KEYS[1], group, consumer, 0, entry, 'FORCE', 'JUSTID')
return 'held'
