#!lua
--[[
  Adds a piece of an answer to its token stream and wakes its readers, unless a newer attempt has begun:
  a slow worker must not write into the answer of the worker that took over.
  Idempotent: a piece that is already present is not added twice.

  KEYS  1 tokens of one request (stream)
  ARGV  attempt, offset where the piece starts, offset where it ends, text, time to live in seconds, channel to wake
        (offsets count UTF-16 code units of the whole answer; an empty piece begins an attempt at any offset),
        and for a piece of a member's draft the member: it moves no offset, and is not checked for repetition
  The message that wakes readers of a piece of the answer has the id of the entry before it, its own id, the offset where it ends, and
  its text, separated by spaces. Other messages are empty.
  Returns written, superseded (a newer attempt has begun) or gap (something before this piece is missing)
]]
local attempt, start, stop = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local newestAttempt, written, before = 0, 0, '0-0'
if newest then
  before = newest[1]
  for i = 1, #newest[2], 2 do
    if newest[2][i] == 'attempt' then newestAttempt = tonumber(newest[2][i + 1]) end
    if newest[2][i] == 'end' then written = tonumber(newest[2][i + 1]) end
  end
end
local begins = ARGV[4] == ''
if newestAttempt > attempt then return 'superseded' end
if ARGV[7] then
  redis.call('XADD', KEYS[1], '*', 'attempt', ARGV[1], 'end', string.format('%d', written), 'text', ARGV[4], 'member', ARGV[7])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('SPUBLISH', ARGV[6], '')
  return 'written'
end
if newestAttempt == attempt and (begins or written >= stop) then return 'written' end
if begins then stop = written elseif written ~= start then return 'gap' end
stop = string.format('%d', stop)
local id = redis.call('XADD', KEYS[1], '*', 'attempt', ARGV[1], 'end', stop, 'text', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('SPUBLISH', ARGV[6], begins and '' or before .. ' ' .. id .. ' ' .. stop .. ' ' .. ARGV[4])
return 'written'
