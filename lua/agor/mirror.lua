-- The sessions as the backend last told, and which of them the user means. Knows tabpages and the current buffer;
-- never asks the backend.

local state = require('agor.state')

local M = {}

---@class agor.Row a session, as in SessionSummary of src/domain/session.rs
---@field session_id string
---@field provider string
---@field status 'running'|'idle'|'done'|'error'
---@field error string|nil
---@field cost_usd number
---@field input_tokens integer
---@field output_tokens integer
---@field started_at integer
---@field title string
---@field cwd string
---@field project string the top of the repository that it works for, else cwd
---@field worktree agor.Worktree|nil that was made for it
---@field place string|nil where it runs, if not here
---@field changes agor.Diffstat|nil what it has changed in files
---@field model string
---@field mode string
---@field effort string|nil
---@field agent_session string|nil the agent's own id of the conversation
---@field context_used integer|nil tokens in the model's context
---@field context_size integer|nil tokens that it holds
---@field attention 'permission'|'question'|nil
---@field queued integer
---@field waiting string[]|nil how the first prompts that wait begin
---@field held 'interrupted'|'failed'|'ended'|'restored'|'asked'|nil why they do not go on by themselves
---@field pending integer
---@field busy boolean
---@field turn_started_at integer|nil Unix milliseconds, while a turn runs
---@field turn_ended_at integer|nil Unix milliseconds, of the last one
---@field wait agor.Wait|nil what it waits for, if not for the user
---@field stalled boolean|nil its agent says and does nothing any more
---@field quiet_since integer|nil since when, of one that has stalled or waits for a command; Unix milliseconds
---@field quiet_ms integer|nil for how long it had been when this row was told
---@field quiet_from integer|nil when that was, by our clock that never jumps; milliseconds
---@field last_line string|nil of the agent's text
---@field interrupted boolean|nil it was at work when its backend went away
---@field asks_nothing boolean
---@field journal_failed boolean|nil what is said is not written down any more
---@field audit_failed boolean|nil what is decided is not
---@field capabilities table
---@field provisional boolean|nil the backend has not spoken of it yet

---@class agor.Worktree
---@field name string
---@field branch string
---@field path string
---@field repository string
---@field diffstat agor.Diffstat|nil

---@class agor.Diffstat
---@field files integer
---@field added integer
---@field removed integer

---@class agor.OpenRequest
---@field kind 'permission'|'question'
---@field options { option_id: string, name: string, kind: string }[]|nil
---@field questions table[]|nil
---@field grants string[]|nil
---@field scopes string[]|nil
---@field everywhere integer[]|nil
---@field refusals string[]|nil
---@field refusal_scopes string[]|nil
---@field answered boolean|nil

---@param id string
---@return agor.Row|nil
function M.get(id)
  return state.sessions[id]
end

---@return agor.Row[] ordered by started_at
function M.list()
  local rows = vim.tbl_values(state.sessions)
  table.sort(rows, function(a, b)
    if a.started_at ~= b.started_at then
      return a.started_at < b.started_at
    end
    return a.session_id < b.session_id
  end)
  return rows
end

---The session was used here and now.
---@param id string
function M.touch(id)
  if not state.sessions[id] then
    return
  end
  local notify = package.loaded['agor.notify']
  if notify then
    notify.seen(id)
  end
  state.tick = state.tick + 1
  state.used[id] = state.tick
  local tab = vim.api.nvim_get_current_tabpage()
  local used = vim.tbl_filter(function(other)
    return other ~= id
  end, state.tab_used[tab] or {})
  table.insert(used, id)
  state.tab_used[tab] = used
  for other in pairs(state.tab_used) do
    if not vim.api.nvim_tabpage_is_valid(other) then
      state.tab_used[other] = nil
    end
  end
end

---@param dir string
---@param path string
---@return boolean
local function holds(dir, path)
  dir = dir:gsub('/+$', '')
  return path == dir or vim.startswith(path, dir .. '/')
end

---The session that a command without a name means: the one whose buffer the cursor is in, else the one last used in this
---tabpage, else the one last used whose directory holds the current file, else the one last used.
---@return agor.Row|nil
function M.current()
  local own = vim.b.agor_session
  if own and state.sessions[own] then
    return state.sessions[own]
  end
  local used = state.tab_used[vim.api.nvim_get_current_tabpage()] or {}
  for i = #used, 1, -1 do
    if state.sessions[used[i]] then
      return state.sessions[used[i]]
    end
  end
  local rows = M.list()
  table.sort(rows, function(a, b)
    local left, right = state.used[a.session_id] or 0, state.used[b.session_id] or 0
    if left ~= right then
      return left > right
    end
    return a.started_at > b.started_at
  end)
  local name = vim.api.nvim_buf_get_name(0)
  local path = name ~= '' and (vim.uv.fs_realpath(name) or vim.fs.normalize(name)) or nil
  for _, row in ipairs(path and rows or {}) do
    if holds(row.cwd, path) or holds(vim.uv.fs_realpath(row.cwd) or row.cwd, path) then
      return row
    end
  end
  return rows[1]
end

---The current session, or a sentence to the user.
---@return agor.Row|nil
function M.need()
  local row = M.current()
  if not row then
    require('agor.message').error('there is no session: :AgorStart starts one')
  end
  return row
end

---@param row agor.Row
---@return agor.Row
local function clean(row)
  for key, value in pairs(row) do
    if value == vim.NIL then
      row[key] = nil
    end
  end
  return row
end

---What an agent says changes its row once a second, and only the board shows it.
---@param before agor.Row|nil
---@param row agor.Row
---@return boolean nothing but the last line has changed
local function has_only_said(before, row)
  if not before or row.capabilities then
    return false
  end
  for _, pair in ipairs({ { before, row }, { row, before } }) do
    for key, value in pairs(pair[1]) do
      local is_said = key == 'last_line' or key == 'capabilities' or key == 'quiet_from'
      if not is_said and not vim.deep_equal(value, pair[2][key]) then
        return false
      end
    end
  end
  return true
end

---@param rows agor.Row[]|nil
---@param removed string[]|nil
---@return string[] ids whose row changed, in more than its last line
function M.update(rows, removed)
  local ids = {}
  for _, row in ipairs(rows or {}) do
    local known = state.sessions[row.session_id]
    clean(row)
    local is_news = not has_only_said(known, row)
    -- They may be long, and come only when they have changed.
    row.capabilities = row.capabilities or known and known.capabilities or {}
    -- The time of day may jump, and what it says of a span is then nonsense.
    row.quiet_from = row.quiet_ms and require('agor.clock').count() - row.quiet_ms
    state.sessions[row.session_id] = row
    if is_news then
      table.insert(ids, row.session_id)
    end
  end
  for _, id in ipairs(removed or {}) do
    M.forget(id)
    table.insert(ids, id)
  end
  return ids
end

---@param id string
function M.forget(id)
  state.sessions[id] = nil
  state.requests[id] = nil
  state.used[id] = nil
  state.starts[id] = nil
  local notify = package.loaded['agor.notify']
  if notify then
    notify.forget(id)
  end
  local requests = package.loaded['agor.file_requests']
  if requests then
    requests.forget(id)
  end
end

---What a journal tells of a session, until the backend sends its own row.
---@param id string
---@param journal agor.Journal
function M.recall(id, journal)
  local row = state.sessions[id]
  if row then
    row.title, row.model, row.mode = journal.title, journal.model, journal.mode
    row.effort, row.started_at = journal.effort, journal.started_at
  end
end

---A row for what was started a moment ago, until the backend sends its own; gives the start its time.
---@param params table
function M.begin(params)
  -- From now on it matters whether Neovim has the focus.
  require('agor.notify')
  -- Two that are started within a millisecond keep their order.
  state.last_start = math.max(require('agor.clock').now(), (state.last_start or 0) + 1)
  params.started_at = state.last_start
  state.sessions[params.session_id] = {
    session_id = params.session_id,
    provider = params.provider,
    status = params.prompt and 'running' or 'idle',
    cost_usd = 0,
    input_tokens = 0,
    output_tokens = 0,
    started_at = params.started_at,
    title = '',
    cwd = params.cwd,
    project = params.cwd,
    model = params.model or '',
    mode = params.mode or '',
    effort = params.effort or '',
    queued = 0,
    pending = 0,
    busy = params.prompt ~= nil,
    asks_nothing = false,
    capabilities = {},
    provisional = true,
  }
end

return M
