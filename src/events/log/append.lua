#!lua
--[[
  Appends events of one or more aggregates atomically, or changes nothing.
  Everything is checked before the first write, key types included: Redis does not roll a failing script back. Should a
  write fail all the same, the log is halted: nothing is appended any more until it has been verified.
  JSON is never decoded here (cjson turns 100000000000001 into 1e+14 and [] into {}).

  KEYS  1 log (stream)  2 meta (hash)  3 states (hash)  4 work (stream)
        5… command ids and finished streams (hashes, one an hour each)

  ARGV  incarnation, last sequence that the caller knows of, window of ids (ms), how far an id may be ahead of Redis' clock (ms), workers' group
        n, then n commands:   key (5…), field, content hash, times of the oldest and the newest id that it brings (ms),
                              number of its events (0: refused or nothing to do; only looked up)
        n, then n reads:      stream, expected revision (a number, 0 for none, or "any"), key of finished streams (5…; 0: it never finishes)
        n, then n events:     read (1…), type, version, data, metadata, mac     in the order of the commands
        n, then n states:     read (1…), fold version, state ("": the stream is finished, and only its revision is kept, for the window)
        n, then n jobs:       kind, stream, command (1…), whose first event the job is about
        n, then n finished jobs: entry id of the work stream

  Returns one of
        appended   sequence of the first event; number of reads with "any", revision of each before this append; position of each event
        duplicate  index of the command (1…), what is stored for it; …       nothing was written
        conflict   index of the read (1…), what is stored for it or ""; …    nothing was written
        stale_ids  index of the command (1…), "expired" or "ahead"; …        nothing was written
        wrong_log  the incarnation found, or ""                              nothing was written
        behind     the last sequence of this log, which the caller has seen beyond: its tail is lost; nothing was written
        halted     why: an append failed in the middle of its writes, this one or one before
        newer_fold the stream whose stored state a newer program wrote       nothing was written
        wrong_type the key that holds something else                         nothing was written
]]
local log, meta, states, work = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local cursor = 0
local function take() cursor = cursor + 1; return ARGV[cursor] end
local function takeNumber() return tonumber(take()) end
local function records(width)
  local list = {}
  for i = 1, takeNumber() do
    local record = {}
    for j = 1, width do record[j] = take() end
    list[i] = record
  end
  return list
end

local incarnation, knownSequence, windowMs, aheadMs, group = take(), takeNumber(), takeNumber(), takeNumber(), take()
local commands, reads, events, newStates, jobs, finished = records(6), records(3), records(6), records(3), records(3), records(1)

-- 1. Is this the log that the caller knows, and does every key hold what it should?
local function holds(key, kind)
  local actual = redis.call('TYPE', key).ok
  return actual == kind or actual == 'none'
end
if not holds(meta, 'hash') then return { 'wrong_type', meta } end
local identity = redis.call('HMGET', meta, 'incarnation', 'sequence', 'halted')
if identity[1] ~= incarnation then return { 'wrong_log', identity[1] or '' } end
if identity[3] then return { 'halted', identity[3] } end
local lastSequence = tonumber(identity[2] or '0')
if lastSequence < knownSequence then return { 'behind', string.format('%d', lastSequence) } end
if not holds(log, 'stream') then return { 'wrong_type', log } end
if not holds(states, 'hash') then return { 'wrong_type', states } end
if not holds(work, 'stream') then return { 'wrong_type', work } end
for i = 5, #KEYS do
  if not holds(KEYS[i], 'hash') then return { 'wrong_type', KEYS[i] } end
end

-- 2. Has any command been here before, or does it bring an id from outside the time in which we would remember?
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local known, stale = { 'duplicate' }, { 'stale_ids' }
for i, command in ipairs(commands) do
  local stored = redis.call('HGET', KEYS[tonumber(command[1])], command[2])
  if stored then
    known[#known + 1] = i; known[#known + 1] = stored
  elseif tonumber(command[4]) < nowMs - windowMs then
    stale[#stale + 1] = i; stale[#stale + 1] = 'expired'
  elseif tonumber(command[5]) > nowMs + aheadMs then
    stale[#stale + 1] = i; stale[#stale + 1] = 'ahead'
  end
end
if #known > 1 then return known end
if #stale > 1 then return stale end

-- 3. Is every aggregate that was read still what the decision saw?
local revisions, folds, conflicts, anyRevisions = {}, {}, { 'conflict' }, {}
for i, read in ipairs(reads) do
  local stored = redis.call('HGET', states, read[1])
  if not stored and read[3] ~= '0' then
    local finishedAt = redis.call('HGET', KEYS[tonumber(read[3])], read[1])
    stored = finishedAt and finishedAt .. ':finished'
  end
  local revision, fold = 0, 0
  if stored then
    local r, f = string.match(stored, '^(%d+):(%w+)')
    revision, fold = tonumber(r), tonumber(f) or 0
  end
  revisions[i], folds[i] = revision, fold
  if read[2] == 'any' then
    anyRevisions[#anyRevisions + 1] = revision
  elseif tonumber(read[2]) ~= revision then
    conflicts[#conflicts + 1] = i; conflicts[#conflicts + 1] = stored or ''
  end
end
if #conflicts > 1 then return conflicts end
for _, state in ipairs(newStates) do
  local i = tonumber(state[1])
  if folds[i] > tonumber(state[2]) then return { 'newer_fold', reads[i][1] } end
  if state[3] == '' and reads[i][3] == '0' then return redis.error_reply('a stream without the time of an id in its name cannot finish') end
end
for _, job in ipairs(jobs) do
  if tonumber(commands[tonumber(job[3])][6]) == 0 then return redis.error_reply('a job needs an event that it is about') end
end

-- 4. Write. The hashes of an hour have ids that are at most `aheadMs` younger than now: two hours over the window keep them all.
local first = lastSequence + 1
local sequence = first - 1
local reply = { 'appended', string.format('%d', first), string.format('%d', #anyRevisions) }
for _, revision in ipairs(anyRevisions) do reply[#reply + 1] = string.format('%d', revision) end
local beforePositions = #reply
local keepMs = windowMs + aheadMs + 7200000
local function remember(key, field, value)
  redis.call('HSET', key, field, value)
  redis.call('PEXPIRE', key, keepMs, 'NX')
end
local function write()
  for _, event in ipairs(events) do
    local i = tonumber(event[1])
    sequence = sequence + 1
    revisions[i] = revisions[i] + 1
    reply[#reply + 1] = redis.call('XADD', log, '*',
      'sequence', string.format('%d', sequence), 'stream', reads[i][1], 'revision', string.format('%d', revisions[i]),
      'type', event[2], 'version', event[3], 'data', event[4], 'metadata', event[5], 'mac', event[6])
  end
  if sequence >= first then redis.call('HSET', meta, 'sequence', string.format('%d', sequence)) end
  for _, state in ipairs(newStates) do
    local i = tonumber(state[1])
    local stream, revision = reads[i][1], string.format('%d', revisions[i])
    if state[3] == '' then
      redis.call('HDEL', states, stream)
      remember(KEYS[tonumber(reads[i][3])], stream, revision)
    else
      redis.call('HSET', states, stream, revision .. ':' .. state[2] .. ':' .. state[3])
    end
  end
  local position, firstPositions = beforePositions + 1, {}
  for i, command in ipairs(commands) do
    local count = tonumber(command[6])
    if count > 0 then
      firstPositions[i] = reply[position]
      local last = position + count - 1
      remember(KEYS[tonumber(command[1])], command[2], command[3] .. ' ' .. reply[position] .. ' ' .. reply[last])
      position = last + 1
    end
  end
  for _, job in ipairs(jobs) do
    redis.call('XADD', work, '*', 'kind', job[1], 'stream', job[2], 'position', firstPositions[tonumber(job[3])])
  end
  for _, entry in ipairs(finished) do
    redis.call('XACK', work, group, entry[1])
    redis.call('XDEL', work, entry[1])
  end
end
local ok, failure = pcall(write)
if ok then return reply end
local why = type(failure) == 'table' and failure.err or tostring(failure)
redis.call('HSET', meta, 'halted', why)
return { 'halted', why }
