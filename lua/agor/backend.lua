-- The backend's process: found, started, greeted, watched, started again. Its channel lives in agor.state, so that a
-- reload of the modules does not touch it. Knows nothing of what is said over it after the handshake.

local binary = require('agor.binary')
local message = require('agor.message')
local state = require('agor.state')
local update = require('agor.update')

local M = {}

---@class agor.Handshake
---@field version string
---@field protocol integer
---@field pid integer
---@field log_path string|nil
---@field protocols string[]|nil
---@field runners string[]|nil
---@field path string the program

-- A program that is not ours may never answer.
local handshake_timeout_ms = 5000
-- Died twice within this time: it is not started a third time by itself.
local death_window_ms = 60000

---@return string
local function data_dir()
  return vim.fs.joinpath(vim.fn.stdpath('data') --[[@as string]], 'agor')
end

---@return string
local function state_dir()
  return vim.fs.joinpath(vim.fn.stdpath('state') --[[@as string]], 'agor')
end

M.data_dir, M.state_dir = data_dir, state_dir

---@param session string
---@return string
function M.journal(session)
  return vim.fs.joinpath(data_dir(), 'sessions', session .. '.ndjson')
end

---@return boolean
function M.is_running()
  return state.channel ~= nil
end

---What went wrong, without the words that Lua puts before it.
---@param err any
---@return string
local function plain(err)
  local text = message.line(err):gsub('^Vim:', '')
  return (text:gsub('^.-Error invoking .- on channel %d+:?%s*', ''))
end

---@param job integer
---@param path string
---@return agor.Handshake|nil
---@return string|nil message
local function greet(job, path)
  local config = require('agor.config').get()
  local pid = vim.fn.jobpid(job)
  local timer = assert(vim.uv.new_timer())
  local late = false
  timer:start(handshake_timeout_ms, 0, function()
    late = true
    vim.uv.kill(pid, 'sigkill')
  end)
  local ok, answer = pcall(vim.rpcrequest, job, 'handshake', {
    version = binary.version,
    protocol = binary.protocol,
    data_dir = data_dir(),
    state_dir = state_dir(),
    plugin_root = require('agor.provider').plugin_root(),
    log_level = config.log.level,
    trace = config.trace,
  })
  timer:stop()
  timer:close()
  if late then
    return nil,
      ('%s did not answer within %d s: is it agor-nvim? Run :Agor build'):format(
        path,
        handshake_timeout_ms / 1000
      )
  end
  if not ok then
    return nil,
      ('%s does not speak as the backend should (%s): run :Agor build'):format(path, plain(answer))
  end
  if type(answer) ~= 'table' then
    return nil, ('%s does not speak as the backend should: run :Agor build'):format(path)
  end
  local wrong = update.mismatch(path, answer)
  if wrong then
    return nil, wrong
  end
  for key, value in pairs(answer) do
    if value == vim.NIL then
      answer[key] = nil
    end
  end
  answer.path = path
  return answer
end

---@class agor.Launched
---@field job integer
---@field path string

---A program that runs already and has not been greeted yet.
---@type agor.Launched?
local ahead

---@return agor.Launched|nil
---@return string|nil message
local function spawn()
  local path, missing = binary.find()
  if not path then
    return nil, missing
  end
  local last ---@type string? of what it said on stderr
  local started, job = pcall(vim.fn.jobstart, { path }, {
    rpc = true,
    -- The directory of a start travels in its request; the backend itself must not hold on to one.
    cwd = '/',
    on_stderr = function(_, lines)
      for _, line in ipairs(lines) do
        if line ~= '' then
          last = line:sub(1, 500)
        end
      end
    end,
    on_exit = function(id, code)
      require('agor.backend').exited(id, code, last)
    end,
  })
  if not started or job <= 0 then
    return nil, ('%s could not be started%s'):format(path, started and '' or ': ' .. plain(job))
  end
  state.stopping[job] = true -- until it has greeted, its end is ours to tell
  return { job = job, path = path }
end

---Starts the backend's program if it is not running, and waits for nothing: whoever has something to do before the
---backend is asked has it done meanwhile.
function M.begin()
  if not state.channel and not ahead then
    -- What is wrong is said by whoever needs it.
    ahead = spawn()
  end
end

---The program that `begin` started is not wanted after all.
function M.drop()
  if ahead then
    vim.fn.jobstop(ahead.job)
    ahead = nil
  end
end

---@return integer|nil channel
---@return string|nil message
local function launch()
  local launched, missing = ahead, nil
  ahead = nil
  if not launched then
    launched, missing = spawn()
  end
  if not launched then
    return nil, missing
  end
  -- Loaded while it comes up.
  local quit, files = require('agor.quit'), require('agor.files')
  local events, interrupted = require('agor.events'), require('agor.interrupted')
  local job = launched.job
  local answer, wrong = greet(job, launched.path)
  if not answer then
    vim.fn.jobstop(job)
    return nil, wrong
  end
  state.stopping[job] = nil
  state.channel, state.backend, state.listening = job, answer, nil
  quit.watch()
  files.watch()
  events.listen()
  interrupted.tell()
  return job
end

---Sessions are taken up again in a new backend, each from its journal; the next prompt starts an agent that resumes.
---@return integer count
local function take_up()
  local rpc, channel = require('agor.rpc'), state.channel
  local count = 0
  for _, row in ipairs(require('agor.mirror').list()) do
    local id = row.session_id
    local params = state.starts[id]
    if params then
      params = vim.tbl_extend('force', params, {
        restore = true,
        environ = vim.fn.environ(),
      })
      count = count + 1
      rpc.notify('start', params, function(err)
        -- One that has ended too is spoken of elsewhere.
        if err and state.channel == channel then
          message.error(('the session %s could not be taken up again: %s'):format(id, err))
        end
      end)
    end
  end
  if count > 0 then
    -- The new backend knows no windows yet.
    require('agor.ui.views').send()
  end
  return count
end

---The channel; starts the backend if it is not running, with the sessions that there were. Waits for nothing but the
---handshake.
---@return integer|nil channel
---@return string|nil message a sentence that says what to do
---@return integer taken how many sessions were taken up
function M.ensure()
  if state.channel then
    local outgrown = update.outgrown()
    return not outgrown and state.channel or nil, outgrown, 0
  end
  local channel, failed = launch()
  return channel, failed, channel and take_up() or 0
end

---Every session that has an agent loses it.
---@param why string
local function mark_lost(why)
  local events = require('agor.events')
  local changed = {}
  for _, row in ipairs(require('agor.mirror').list()) do
    local id = row.session_id
    for request in pairs(state.requests[id] or {}) do
      events.handle(
        'permission_closed',
        { session_id = id, request_id = request, outcome = 'cancelled' }
      )
    end
    row.busy, row.attention, row.pending, row.queued = false, nil, 0, 0
    if row.status == 'running' or row.status == 'idle' then
      row.status, row.error = 'error', why
      events.handle('status', { session_id = id, status = 'error', error = why })
    end
    table.insert(changed, id)
  end
  if #changed > 0 then
    require('agor.ui.bar').refresh(changed)
    require('agor.quit').refresh()
  end
end

---A backend has ended.
---@param job integer
---@param code integer
---@param last string|nil the last line of its stderr
function M.exited(job, code, last)
  local wanted = state.stopping[job]
  state.stopping[job] = nil
  if ahead and ahead.job == job then
    ahead = nil
  end
  if state.channel == job and not state.leaving then
    require('agor.rpc').flush()
  end
  local unanswered = {}
  if state.channel == job then
    state.channel, state.backend, state.listening = nil, nil, nil
    unanswered, state.replies = state.replies, {}
  end
  local waiters = state.exit_waiters[job] or {}
  state.exit_waiters[job] = nil
  if state.leaving then
    return
  end
  if not wanted then
    local now = vim.uv.now()
    state.deaths = vim.tbl_filter(function(at)
      return now - at < death_window_ms
    end, state.deaths)
    table.insert(state.deaths, now)
    local how = code > 128 and 'killed by signal %d%s' or 'exit code %d%s'
    how = how:format(code > 128 and code - 128 or code, last and ': ' .. last or '')
    local reason = ('the backend ended by itself (%s)'):format(how)
    mark_lost(reason)
    local again, failed, count = nil, nil, 0
    if #state.deaths < 2 then
      again, failed, count = M.ensure()
    end
    if again then
      local go_on = count == 1 and ', its session goes on with the next prompt' or ''
      go_on = count > 1 and (', its %d sessions go on with the next prompt'):format(count) or go_on
      message.error(('%s; it runs again%s. :Agor log has more'):format(reason, go_on))
    else
      message.error(
        ('%s%s. :Agor log has more, :Agor restart starts it'):format(
          reason,
          failed and '; ' .. failed or ' once more'
        )
      )
    end
  end
  for _, callback in pairs(unanswered) do
    -- Whoever waits for an answer may hold a prompt, which goes back to where it can be sent again.
    pcall(callback, 'the backend ended before it answered')
  end
  for _, waiter in ipairs(waiters) do
    waiter()
  end
end

---Stops the backend and tells when it is gone.
---@param done fun()
function M.stop(done)
  local job = state.channel
  if not job then
    return done()
  end
  state.stopping[job] = true
  state.exit_waiters[job] = state.exit_waiters[job] or {}
  table.insert(state.exit_waiters[job], done)
  -- The end of its input is its sign to stop agents politely; jobstop() makes sure of it.
  vim.fn.jobstop(job)
end

---Neovim ends: so does the backend, with its agents, and not only with Neovim's process. That may yet wait for <Enter>
---because of an error, a ShaDa file that cannot be written for one, and waits for ever if its terminal has gone.
function M.leave()
  M.drop()
  if state.channel then
    vim.fn.jobstop(state.channel)
  end
end

---@param after fun()
local function if_there_is_another(after)
  local path, missing = binary.find()
  if not state.channel then
    return after()
  end
  local function keep(why)
    message.error(why .. '; the backend that runs was left as it is')
  end
  if not path then
    return keep(missing or 'the backend was not found')
  end
  update.try(path, function(wrong)
    if wrong then
      return keep(wrong)
    end
    after()
  end)
end

---Restarts the backend; sessions are taken up from their journals. One that runs is not given up for a program that could
---not take its place.
function M.restart()
  state.deaths = {}
  if_there_is_another(function()
    M.stop(function()
      local channel, failed, count = M.ensure()
      if not channel then
        mark_lost('the backend was stopped')
        return message.error(failed or 'the backend could not be started')
      end
      local taken = count > 0
          and (', %d session%s taken up'):format(count, count == 1 and ' is' or 's are')
        or ''
      message.info('the backend runs again' .. taken)
    end)
  end)
end

---@return string|nil path of the log, or of the folder where the first will be
---@return string|nil message
function M.log_path()
  local dir = vim.fs.joinpath(state_dir(), 'log')
  if state.backend then
    return state.backend.log_path, ('no log can be written in %s'):format(dir)
  end
  local newest, newest_at = nil, -1
  for name in vim.fs.dir(dir) do
    local stat = vim.uv.fs_stat(vim.fs.joinpath(dir, name))
    if stat and stat.type == 'file' and stat.mtime.sec > newest_at then
      newest, newest_at = vim.fs.joinpath(dir, name), stat.mtime.sec
    end
  end
  return newest or dir
end

return M
