#!lua
--[[
  Creates the workers' group if it is missing, but only in the caller's log: a Redis that lost its log is left unchanged. Then assigns
  every delivered job without a holder to a reserved consumer; such jobs exist after the group or a consumer was deleted. The worker
  that runs such a job takes it back with its next renewal; otherwise another worker takes it when the lease expires.

  KEYS  1 meta (hash)  2 work (stream)
  ARGV  incarnation, group, reserved consumer,
        'opening' (a missing group never existed: all jobs are new) or 'lost' (it existed: every job may be running)
  Returns 'made' or 'exists', or 'wrong_log' and the incarnation found, or ""
]]
local work, group, unheld = KEYS[2], ARGV[2], ARGV[3]
local incarnation = redis.call('HGET', KEYS[1], 'incarnation')
if incarnation ~= ARGV[1] then return { 'wrong_log', incarnation or '' } end
local outcome = 'made'
local made = redis.pcall('XGROUP', 'CREATE', work, group, ARGV[4] == 'lost' and '$' or '0', 'MKSTREAM')
if made.err then
  if not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
  outcome = 'exists'
end

local handedOut
for _, fields in ipairs(redis.call('XINFO', 'GROUPS', work)) do
  local found = {}
  for i = 1, #fields, 2 do found[fields[i]] = fields[i + 1] end
  if found['name'] == group then handedOut = found['last-delivered-id'] end
end

local page = 500
-- The ids between two that have a holder.
local function held(first, last)
  local ids, from = {}, first
  repeat
    local pending = redis.call('XPENDING', work, group, from, last, page)
    for _, entry in ipairs(pending) do ids[entry[1]] = true end
    if #pending > 0 then from = '(' .. pending[#pending][1] end
  until #pending < page
  return ids
end
local from = '-'
repeat
  local entries = redis.call('XRANGE', work, from, handedOut, 'COUNT', page)
  if #entries > 0 then
    local last = entries[#entries][1]
    local ids = held(entries[1][1], last)
    for _, entry in ipairs(entries) do
      if not ids[entry[1]] then redis.call('XCLAIM', work, group, unheld, 0, entry[1], 'FORCE', 'JUSTID') end
    end
    from = '(' .. last
  end
until #entries < page
return { outcome }
