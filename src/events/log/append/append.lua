#!lua
--[[
  Appends events of one or more aggregates atomically, or changes nothing.
  Checks everything before the first write, key types included, because Redis does not roll back a failing script. If a write
  fails nevertheless, the log is halted: appends are refused until the log has been verified.
  JSON is never decoded here (cjson turns 100000000000001 into 1e+14 and [] into {}).

  KEYS  1 log (stream)  2 meta (hash)  3 states (hash)  4 work (stream)  5 deadlines (sorted set)
        6… command ids and finished streams (hashes, one per hour each)

  ARGV  incarnation, last sequence known to the caller, window of ids (ms), how far an id may be ahead of Redis' clock (ms), lifetime of the
        hash of an hour (ms), workers' group,
        times of the oldest and the newest id of the commands (ms),
        lowest and highest token of the leases under which commands were given ("": none was)
        Then lists, column by column: the length n, then n first fields, n second fields, and so on, so that one call can pass a
        whole column. Commands and reads come in runs that share a key: the number of runs, then the key and the length of each.
        commands, in runs (key 6…):  field; content hash; number of its events (0: refused or without effect; only looked up)
        reads, in runs (key of finished streams 6…; 0: they never finish):  stream; expected revision (a number, 0 for none, or "any"), or the whole stored state
        events, in the order of the commands:  read (1…); type; version; data; metadata; mac
        states:         read (1…); fold version; state ("": the stream is finished; only its revision is kept, for the window);
                        when the clock must next act on the stream (ms; "": never)
        jobs:           kind; stream; command (1…), whose first event the job is about
        finished jobs:  entry id of the work stream

  Returns one of
        appended   sequence of the first event; revisions before this append of the reads with "any"; position of each event (both separated by spaces)
        duplicate  index of the command (1…), its stored value; …            nothing was written
        conflict   index of the read (1…), its stored state or ""; …         nothing was written
        fenced     the newest token: a command has another one               nothing was written
        stale_ids  Redis' time (ms): an id is outside the window             nothing was written
        wrong_log  the incarnation found, or ""                              nothing was written
        behind     the last sequence of this log, below the caller's: its tail is lost; nothing was written
        halted     why: this append, or an earlier one, failed in the middle of its writes
        newer_fold the stream whose state a newer program stored             nothing was written
        wrong_type the key that holds another type                           nothing was written
]]
-- Locals are faster: every use of a global is a table lookup.
local KEYS, ARGV, tonumber, unpack, call, format = KEYS, ARGV, tonumber, unpack, redis.call, string.format
local log, meta, states, work, deadlines = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local cursor = 0
local function take() cursor = cursor + 1; return ARGV[cursor] end
local function takeNumber() return tonumber(take()) end
-- Returns the index before the first field of a column of ARGV.
local function takeColumn(length) local before = cursor; cursor = cursor + length; return before end
local function takeRuns()
  local runs = {}
  for i = 1, takeNumber() do runs[i] = { key = KEYS[takeNumber()], length = takeNumber() } end
  return runs
end

local incarnation, knownSequence, windowMs, aheadMs, keepMs = take(), takeNumber(), takeNumber(), takeNumber(), takeNumber()
local group, oldestMs, newestMs, lowestFence, highestFence = take(), takeNumber(), takeNumber(), take(), take()
local commandCount, commandRuns = takeNumber(), takeRuns()
local commandField, commandHash, commandEvents = takeColumn(commandCount), takeColumn(commandCount), takeColumn(commandCount)
local readCount, readRuns = takeNumber(), takeRuns()
local readStream, readRevision = takeColumn(readCount), takeColumn(readCount)
local eventCount = takeNumber()
local eventRead, eventType, eventVersion = takeColumn(eventCount), takeColumn(eventCount), takeColumn(eventCount)
local eventData, eventMetadata, eventMac = takeColumn(eventCount), takeColumn(eventCount), takeColumn(eventCount)
local stateCount = takeNumber()
local stateRead, stateFold, stateText = takeColumn(stateCount), takeColumn(stateCount), takeColumn(stateCount)
local stateDeadline = takeColumn(stateCount)
local jobCount = takeNumber()
local jobKind, jobStream, jobCommand = takeColumn(jobCount), takeColumn(jobCount), takeColumn(jobCount)
local finishedCount = takeNumber()
local finishedEntry = takeColumn(finishedCount)

-- The arguments of one call must fit on Lua's stack.
local most = 1000
-- Looks up `length` fields of ARGV after `before` in a hash, and calls `found(i, value)` for each one that exists.
local function lookUp(key, before, length, found)
  for from = 1, length, most do
    local values = call('HMGET', key, unpack(ARGV, before + from, before + math.min(from + most - 1, length)))
    for i, value in ipairs(values) do
      if value then found(from + i - 1, value) end
    end
  end
end
-- Calls HSET, ZADD (alternating fields and values, or scores and members) or ZREM with any number of arguments.
local function write(command, key, arguments)
  for from = 1, #arguments, most do call(command, key, unpack(arguments, from, math.min(from + most - 1, #arguments))) end
end

-- 1. Check that this is the caller's log and that every key has the right type.
local function holds(key, kind)
  local actual = call('TYPE', key).ok
  return actual == kind or actual == 'none'
end
if not holds(meta, 'hash') then return { 'wrong_type', meta } end
local identity = call('HMGET', meta, 'incarnation', 'sequence', 'halted', 'fence')
if identity[1] ~= incarnation then return { 'wrong_log', identity[1] or '' } end
if identity[3] then return { 'halted', identity[3] } end
local lastSequence = tonumber(identity[2] or '0')
if lastSequence < knownSequence then return { 'behind', format('%d', lastSequence) } end
if not holds(log, 'stream') then return { 'wrong_type', log } end
if not holds(states, 'hash') then return { 'wrong_type', states } end
if not holds(work, 'stream') then return { 'wrong_type', work } end
if not holds(deadlines, 'zset') then return { 'wrong_type', deadlines } end
for i = 6, #KEYS do
  if not holds(KEYS[i], 'hash') then return { 'wrong_type', KEYS[i] } end
end

-- 2. Look for commands that were appended before, that are fenced, or whose ids are outside the window.
local known, before = { 'duplicate' }, 0
for _, run in ipairs(commandRuns) do
  lookUp(run.key, commandField + before, run.length, function(i, stored)
    known[#known + 1] = before + i; known[#known + 1] = stored
  end)
  before = before + run.length
end
if #known > 1 then return known end
local fence = identity[4] or ''
if lowestFence ~= '' and (lowestFence ~= fence or highestFence ~= fence) then return { 'fenced', fence } end
local time = call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
if oldestMs < nowMs - windowMs or newestMs > nowMs + aheadMs then return { 'stale_ids', format('%d', nowMs) } end

-- 3. Check that no aggregate has changed since the decision read it.
local stored, finishedKey = {}, {}
lookUp(states, readStream, readCount, function(i, state) stored[i] = state end)
before = 0
for _, run in ipairs(readRuns) do
  if run.key then
    for i = before + 1, before + run.length do
      finishedKey[i] = run.key
      local finishedAt = not stored[i] and call('HGET', run.key, ARGV[readStream + i])
      if finishedAt then stored[i] = finishedAt .. ':finished' end
    end
  end
  before = before + run.length
end
local revisions, folds, conflicts, anyRevisions = {}, {}, { 'conflict' }, {}
for i = 1, readCount do
  local revision, fold = 0, 0
  if stored[i] then
    local r, f = string.match(stored[i], '^(%d+):(%w+)')
    revision, fold = tonumber(r), tonumber(f) or 0
  end
  revisions[i], folds[i] = revision, fold
  local expected = ARGV[readRevision + i]
  if expected == 'any' then
    anyRevisions[#anyRevisions + 1] = format('%d', revision)
  elseif expected ~= format('%d', revision) and expected ~= stored[i] then
    conflicts[#conflicts + 1] = i; conflicts[#conflicts + 1] = stored[i] or ''
  end
end
if #conflicts > 1 then return conflicts end
for i = 1, stateCount do
  local read = tonumber(ARGV[stateRead + i])
  if folds[read] > tonumber(ARGV[stateFold + i]) then return { 'newer_fold', ARGV[readStream + read] } end
  local deadline = ARGV[stateDeadline + i]
  if not string.find(deadline, '^%d*$') then return redis.error_reply('a deadline is a time in ms') end
  if ARGV[stateText + i] == '' and not finishedKey[read] then return redis.error_reply('a stream whose name has no id time cannot finish') end
end
for i = 1, jobCount do
  if tonumber(ARGV[commandEvents + ARGV[jobCommand + i]]) == 0 then return redis.error_reply('a job needs an event') end
end

-- 4. Write.
local positions = {}
local function writeEvents()
  local sequence = lastSequence
  for i = 1, eventCount do
    local read = tonumber(ARGV[eventRead + i])
    local revision = revisions[read] + 1
    revisions[read] = revision
    sequence = sequence + 1
    positions[i] = call('XADD', log, '*',
      'sequence', format('%d', sequence), 'stream', ARGV[readStream + read], 'revision', format('%d', revision),
      'type', ARGV[eventType + i], 'version', ARGV[eventVersion + i],
      'data', ARGV[eventData + i], 'metadata', ARGV[eventMetadata + i], 'mac', ARGV[eventMac + i])
  end
  if eventCount > 0 then call('HSET', meta, 'sequence', format('%d', sequence)) end
end
local function writeStates()
  local live, due, idle = {}, {}, {}
  for i = 1, stateCount do
    local read, text = tonumber(ARGV[stateRead + i]), ARGV[stateText + i]
    local stream, revision = ARGV[readStream + read], format('%d', revisions[read])
    if text == '' then
      call('HDEL', states, stream)
      call('HSET', finishedKey[read], stream, revision)
      call('PEXPIRE', finishedKey[read], keepMs, 'NX')
    else
      live[#live + 1] = stream
      live[#live + 1] = revision .. ':' .. ARGV[stateFold + i] .. ':' .. text
    end
    local deadline = ARGV[stateDeadline + i]
    if text == '' or deadline == '' then
      idle[#idle + 1] = stream
    else
      due[#due + 1] = deadline
      due[#due + 1] = stream
    end
  end
  write('HSET', states, live)
  -- The nameless member keeps the index alive while it is empty: in a cluster that moves the slot, an append that names a missing key waits.
  if call('EXISTS', deadlines) == 0 then call('ZADD', deadlines, 'inf', '') end
  write('ZADD', deadlines, due)
  write('ZREM', deadlines, idle)
end
local firstPositions = {}
local function rememberCommands()
  local command, position = 0, 1
  for _, run in ipairs(commandRuns) do
    local done = {}
    for i = command + 1, command + run.length do
      local count = tonumber(ARGV[commandEvents + i])
      if count > 0 then
        firstPositions[i] = positions[position]
        done[#done + 1] = ARGV[commandField + i]
        done[#done + 1] = ARGV[commandHash + i] .. ' ' .. positions[position] .. ' ' .. positions[position + count - 1]
        position = position + count
      end
    end
    command = command + run.length
    write('HSET', run.key, done)
    if #done > 0 then call('PEXPIRE', run.key, keepMs, 'NX') end
  end
end
local function writeJobs()
  for i = 1, jobCount do
    call('XADD', work, '*', 'kind', ARGV[jobKind + i], 'stream', ARGV[jobStream + i], 'position', firstPositions[tonumber(ARGV[jobCommand + i])])
  end
  for i = 1, finishedCount do
    call('XACK', work, group, ARGV[finishedEntry + i])
    call('XDEL', work, ARGV[finishedEntry + i])
  end
end
local ok, failure = pcall(function() writeEvents(); writeStates(); rememberCommands(); writeJobs() end)
if ok then return { 'appended', format('%d', lastSequence + 1), table.concat(anyRevisions, ' '), table.concat(positions, ' ') } end
local why = type(failure) == 'table' and failure.err or tostring(failure)
call('HSET', meta, 'halted', why)
return { 'halted', why }
