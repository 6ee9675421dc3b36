#!lua
--[[
  Takes, renews or gives up the lease of the scheduler. Every acquisition has a higher token than all before it, also after a restore
  that forgot them: tokens follow Redis' clock. append.lua writes nothing for a command under another token than the newest.
  A holder may renew an expired lease while no other process has taken it.

  KEYS  1 meta (hash)
  ARGV  incarnation, name of the holder, the token that it holds ("": none), length (ms; 0: give the lease up)
  Returns one of
        held       the token
        taken      the name of the holder; how long its lease still lasts (ms)
        wrong_log  the incarnation found, or ""
]]
local meta, holder, token, lengthMs = KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = redis.call('HMGET', meta, 'incarnation', 'fence', 'leaseHolder', 'leaseUntil')
if found[1] ~= ARGV[1] then return { 'wrong_log', found[1] or '' } end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local leftMs = (tonumber(found[4]) or 0) - nowMs
local isOurs = found[3] == holder
if leftMs > 0 and not isOurs then return { 'taken', found[3] or '', string.format('%d', leftMs) } end
if lengthMs == 0 then
  if isOurs then redis.call('HDEL', meta, 'leaseHolder', 'leaseUntil') end
  return { 'taken', '', '0' }
end
if token == '' or not isOurs or token ~= found[2] then
  token = string.format('%d', math.max((tonumber(found[2]) or 0) + 1, nowMs))
end
redis.call('HSET', meta, 'fence', token, 'leaseHolder', holder, 'leaseUntil', string.format('%d', nowMs + lengthMs))
return { 'held', token }
