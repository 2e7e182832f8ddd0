-- The two directions of doc/wire.md: what Lua tells the backend, and the batches that come back. Never throws out of
-- apply(), whatever a batch holds or a callback does. Knows the wire, not what is on screen.

local message = require('agor.message')
local state = require('agor.state')
local update = require('agor.update')

local M = {}

-- What the backend decodes in a notification costs quadratic time, so more than this goes through a file.
local inline_limit = 24 * 1024

---@param text string
---@return string|nil path
---@return string|nil message
local function spill(text)
  local path = vim.fn.tempname() .. '.json'
  local fd, err = vim.uv.fs_open(path, 'wx', 384) -- 0600
  if not fd then
    return nil, 'the prompt could not be handed over: ' .. tostring(err)
  end
  local at = 0
  while at < #text do
    local written, failed = vim.uv.fs_write(fd, at == 0 and text or text:sub(at + 1), at)
    if not written or written == 0 then
      vim.uv.fs_close(fd)
      vim.uv.fs_unlink(path)
      return nil, 'the prompt could not be handed over: ' .. tostring(failed)
    end
    at = at + written
  end
  vim.uv.fs_close(fd)
  return path
end

---Tells the backend something. `callback` gets the answer in a later tick. Starts nothing: see agor.backend.ensure().
---@param method string
---@param params table
---@param callback? fun(err: string|nil, result: any)
---@return true|nil ok
---@return string|nil message
function M.notify(method, params, callback)
  if not state.channel then
    return nil, 'the backend is not running: :Agor restart starts it'
  end
  local outgrown = update.outgrown()
  if outgrown then
    return nil, outgrown
  end
  -- Text that is no UTF-8 travels as it is: the backend replaces what does not belong.
  local sent = params
  local text = vim.json.encode(sent)
  if #text > inline_limit then
    local path, failed = spill(text)
    if not path then
      return nil, failed
    end
    sent = { file = path }
  end
  local id = 0
  if callback then
    id = state.next_id
    state.next_id = id + 1
    state.replies[id] = callback
  end
  local ok, err =
    pcall(vim.rpcnotify, state.channel, 'agor', id, method, next(sent) and sent or vim.empty_dict())
  if not ok then
    state.replies[id] = nil
    return nil, 'the backend does not listen: ' .. message.line(err)
  end
  return true
end

---Asks the backend and waits: only for what it answers from memory.
---@param method 'messages'|'stats'
---@param params table
---@return any result nil if it failed
---@return string|nil message
function M.request(method, params)
  if not state.channel then
    return nil, 'the backend is not running'
  end
  local outgrown = update.outgrown()
  if outgrown then
    return nil, outgrown
  end
  local ok, result =
    pcall(vim.rpcrequest, state.channel, method, next(params) and params or vim.empty_dict())
  if not ok then
    local text = message
      .line(result)
      :gsub('^Invoking .- failed:%s*', '')
      :gsub('^.-Error invoking .- on channel %d+:%s*', '')
    return nil, text
  end
  return result
end

---@param what string
---@param fn function
---@param ... any
---@return boolean ok
---@return any result
local function guarded(what, fn, ...)
  local ok, result = xpcall(fn, function(err)
    return { line = message.line(err), trace = debug.traceback(err, 2) }
  end, ...)
  if not ok then
    local text = ('%s failed: %s'):format(what, result.line)
    if not state.said[text] and #state.trouble < 20 then
      table.insert(state.trouble, result.trace)
    end
    message.once(text, text .. ' (a bug in agor: :checkhealth agor has what to report)')
  end
  return ok, result
end

---@type table<integer, integer> how often in a row a buffer's patch failed
local failures = {}

---@param patch { buf: integer }
---@return 'ok'|'gone'|'busy'|'stale'
local function paint(patch)
  local ok, result = guarded('showing a transcript', require('agor.ui.transcript').apply, patch)
  if ok then
    failures[patch.buf] = nil
    return result
  end
  -- A full repaint mends a buffer in an odd state; what fails even then is not tried for ever.
  failures[patch.buf] = (failures[patch.buf] or 0) + 1
  return failures[patch.buf] > 2 and 'gone' or 'stale'
end

-- A batch may hold hundreds of events, each with callbacks of the user's: keys come first after this time.
local slice_ns = 4e6

---@type table<integer, fun()> what came and is not delivered yet, from `first` to `last`
local queue, first, last = {}, 1, 0

---@param job fun()
local function enqueue(job)
  last = last + 1
  queue[last] = job
end

---Delivers in the order of arrival. A callback that waits lets a later tick go on here.
---@param budget_ns number
local function deliver(budget_ns)
  local began = vim.uv.hrtime()
  while first <= last do
    local job = queue[first]
    queue[first] = nil
    first = first + 1
    job()
    if vim.uv.hrtime() - began > budget_ns and first <= last then
      return vim.schedule(function()
        deliver(budget_ns)
      end)
    end
  end
end

---All that is left, at once: what the backend said before its end comes before the news of its end.
function M.flush()
  deliver(math.huge)
end

---@param replies any[]
---@param events any[]
local function receive(replies, events)
  for _, reply in ipairs(replies) do
    local callback = state.replies[reply[1]]
    state.replies[reply[1]] = nil
    if callback then
      local err = reply[2] ~= vim.NIL and reply[2] or nil
      local result = reply[3] ~= vim.NIL and reply[3] or nil
      enqueue(function()
        guarded('an answer of the backend', callback, err, result)
      end)
    end
  end
  for _, event in ipairs(events) do
    enqueue(function()
      guarded('the event ' .. tostring(event[1]), require('agor.events').handle, event[1], event[2])
    end)
  end
end

---One batch of the backend; it is sent as a request and its answer is the back-pressure.
---@param batch { sessions?: agor.Row[], removed?: string[], patches?: table[], spin?: any[], replies?: any[], events?: any[] }
---@return { results: string[], ms: number }
function M.apply(batch)
  -- What Neovim worked, not what passed: the next batch is not to be smaller because another program had the processor.
  local began = os.clock()
  local results = {}
  if batch.sessions or batch.removed then
    local ok, ids =
      guarded('the list of sessions', require('agor.mirror').update, batch.sessions, batch.removed)
    if ok and #ids > 0 then
      guarded('the bar', require('agor.ui.bar').refresh, ids)
      guarded('the quit guard', require('agor.quit').refresh)
    elseif ok and package.loaded['agor.ui.board'] then
      guarded('the board', require('agor.ui.board').refresh)
    end
  end
  for i, patch in ipairs(batch.patches or {}) do
    results[i] = paint(patch)
  end
  if batch.spin then
    guarded('the bar', require('agor.ui.bar').spin, batch.spin)
  end
  local ms = (os.clock() - began) * 1e3
  local replies, events = batch.replies or {}, batch.events or {}
  if #replies > 0 or #events > 0 then
    -- Not inside the backend's call: a callback may ask the backend something itself.
    receive(replies, events)
    vim.schedule(function()
      deliver(slice_ns)
    end)
  end
  guarded('the list of listeners', require('agor.events').listen)
  return { results = results, ms = ms }
end

return M
