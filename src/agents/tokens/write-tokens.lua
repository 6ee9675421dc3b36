#!lua
--[[
  Adds pieces of answers to their token streams and wakes the readers, each unless a newer attempt at its answer has begun:
  a slow worker must not write into the answer of the worker that took over.
  Idempotent: a piece of an answer that is already present is not added twice.

  KEYS  for each piece: tokens of its request (stream), whose name is also the channel of its readers; a key may come several times
  ARGV  time to live in seconds, then for each piece: attempt, offset where it starts, offset where it ends, text, and for a piece
        of a member's draft the member, otherwise an empty text
        (offsets count UTF-16 code units of the whole answer; an empty piece begins an attempt at any offset;
        a piece of a draft moves no offset, and is not checked for repetition)
  The message that wakes readers of a piece of the answer has the id of the entry before it, its own id, the offset where it ends, and
  its text, separated by spaces. Other messages are empty.
  Returns for each piece: written, superseded (a newer attempt has begun) or gap (something before it is missing)
]]
local function write(key, attempt, start, stop, text, member)
  local newest = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
  -- Not a stream: one broken key must not fail the other pieces.
  if newest.err then return 'gap' end
  newest = newest[1]
  local newestAttempt, written, before = 0, 0, '0-0'
  if newest then
    before = newest[1]
    for i = 1, #newest[2], 2 do
      if newest[2][i] == 'attempt' then newestAttempt = tonumber(newest[2][i + 1]) end
      if newest[2][i] == 'end' then written = tonumber(newest[2][i + 1]) end
    end
  end
  local begins = text == ''
  if newestAttempt > tonumber(attempt) then return 'superseded' end
  if member ~= '' then
    stop = written
  else
    if newestAttempt == tonumber(attempt) and (begins or written >= stop) then return 'written' end
    if begins then stop = written elseif written ~= start then return 'gap' end
  end
  stop = string.format('%d', stop)
  local message = ''
  if member ~= '' then
    redis.call('XADD', key, '*', 'attempt', attempt, 'end', stop, 'text', text, 'member', member)
  else
    local id = redis.call('XADD', key, '*', 'attempt', attempt, 'end', stop, 'text', text)
    if not begins then message = before .. ' ' .. id .. ' ' .. stop .. ' ' .. text end
  end
  redis.call('EXPIRE', key, ARGV[1])
  redis.call('SPUBLISH', key, message)
  return 'written'
end

local outcomes = {}
for i, key in ipairs(KEYS) do
  local at = 5 * i - 3
  outcomes[i] = write(key, ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3], ARGV[at + 4])
end
return outcomes
