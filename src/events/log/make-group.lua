#!lua
--[[
  Makes the workers' group where it is missing, in the log that the caller knows: a Redis that lost its log stays as it is found.

  KEYS  1 meta (hash)  2 work (stream)
  ARGV  incarnation, group
  Returns 'made', 'exists', or 'wrong_log' and the incarnation found, or ""
]]
local incarnation = redis.call('HGET', KEYS[1], 'incarnation')
if incarnation ~= ARGV[1] then return { 'wrong_log', incarnation or '' } end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[2], '0', 'MKSTREAM')
if made.err then
  if string.find(made.err, 'BUSYGROUP', 1, true) then return { 'exists' } end
  return made
end
return { 'made' }
