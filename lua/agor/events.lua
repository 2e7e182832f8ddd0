-- What happens in sessions, passed on: to our windows, to the user's callbacks and to User autocommands.
-- Knows who listens; draws nothing.

local message = require('agor.message')
local state = require('agor.state')

local M = {}

---@type { pattern: string, data: table }|nil
local firing = nil

---Only for autocmd(): a command can be told to keep its errors to itself, a function cannot.
function M.fire()
  local this = firing
  firing = nil
  if this then
    -- Without asking exists() first: that does not see a pattern such as `Agor*`.
    vim.api.nvim_exec_autocmds('User', {
      pattern = this.pattern,
      data = this.data,
      modeline = false,
    })
  end
end

---An error in one of the user's autocommands would be shown with its trace, at each event, and wait for a key.
---@param pattern string
---@param data table
local function autocmd(pattern, data)
  local earlier = vim.v.errmsg
  vim.v.errmsg = ''
  firing = { pattern = pattern, data = data }
  local ok, err = pcall(vim.api.nvim_command, "silent! unsilent lua require('agor.events').fire()")
  firing = nil
  local said = ok and vim.v.errmsg or tostring(err)
  vim.v.errmsg = earlier
  if said == '' then
    return
  end
  local failed = said:match('^.-[Ll]ua callback: (.*)$') or not ok and said
  if failed then
    -- Neovim has made room for the error that it was not to show; after a redraw it waits for no key because of that.
    vim.cmd('redraw')
    local text = ('your autocommand for User %s failed: %s'):format(pattern, message.line(failed))
    message.once(text, text)
  else
    -- What the user's own code said, as an error, is shown as it is.
    vim.api.nvim_echo({ { said, 'ErrorMsg' } }, true, {})
  end
end

---How much waits for the user is another number now.
---@param questions integer
---@param turns integer finished unseen
---@param stalled integer sessions whose agent has stalled
function M.attention(questions, turns, stalled)
  autocmd('AgorAttention', {
    count = questions + turns,
    questions = questions,
    turns = turns,
    stalled = stalled,
  })
end

---@param list agor.Registration[]
---@param name string
---@param session string
---@param ... any
local function call(list, name, session, ...)
  for _, entry in ipairs(vim.list_slice(list)) do
    if entry.session == nil or entry.session == session then
      local ok, err = pcall(entry.fn, session, ...)
      if not ok then
        local text = ('your %s callback failed: %s'):format(name, message.line(err))
        message.once(text, text)
      end
    end
  end
end

---@param list agor.Registration[]
---@param session string|nil
---@param fn function
---@return fun() remove
function M.register(list, session, fn)
  -- A configuration that is loaded again registers the same again; its earlier life's entry gives way.
  for i = #list, 1, -1 do
    local old = list[i]
    if old.generation < state.generation and old.fn == fn and old.session == session then
      table.remove(list, i)
    end
  end
  local entry = { session = session, fn = fn, generation = state.generation }
  table.insert(list, entry)
  M.listen()
  return function()
    for i, other in ipairs(list) do
      if other == entry then
        table.remove(list, i)
        break
      end
    end
    M.listen()
  end
end

-- Autocommands may be looked through no more often than this: there can be many, and apply() asks each time.
local look_again_ms = 500
local looked_at, heard = -look_again_ms, false

---Does an autocommand listen to messages?
---@param now boolean whatever was found a moment ago
---@return boolean
local function autocmd_listens(now)
  if vim.fn.exists('#User#AgorMessage') == 1 then
    return true
  end
  if not now and vim.uv.now() - looked_at < look_again_ms then
    return heard
  end
  looked_at, heard = vim.uv.now(), false
  for _, entry in ipairs(vim.api.nvim_get_autocmds({ event = 'User' })) do
    local ok, found = pcall(vim.fn.match, 'AgorMessage', vim.fn.glob2regpat(entry.pattern or ''))
    heard = heard or (ok and found >= 0)
  end
  return heard
end

---Tells the backend whose messages are wanted, if that has changed.
---@param opts? { also?: string, now?: boolean } also: a session that begins in this tick, whose listeners may still come
function M.listen(opts)
  opts = opts or {}
  if not state.channel then
    return
  end
  local all = autocmd_listens(opts.now or false)
  local sessions = {}
  if opts.also then
    sessions[opts.also] = true
  end
  for _, entry in ipairs(state.on_message) do
    if entry.session then
      sessions[entry.session] = true
    else
      all = true
    end
  end
  local ids = vim.tbl_keys(sessions)
  table.sort(ids)
  local key = tostring(all) .. ' ' .. table.concat(ids, ' ')
  if key == state.listening or (state.listening == nil and not all and #ids == 0) then
    return
  end
  if require('agor.rpc').notify('listen', { all = all, sessions = ids }) then
    state.listening = key
  end
end

---@param session string
---@param request string
---@param entry agor.OpenRequest
local function open_request(session, request, entry)
  state.requests[session] = state.requests[session] or {}
  state.requests[session][request] = entry
end

---@param text any
---@return string|nil
local function optional(text)
  return type(text) == 'string' and text or nil
end

---@type table<string, fun(data: table)>
local handlers = {}

function handlers.status(data)
  local id, status, err = data.session_id, data.status, optional(data.error)
  local row = state.sessions[id] or {}
  -- Rows come before the events of their batch and may be ahead: who is told a state shall find that one in the list.
  local ahead = { row.status, row.error }
  row.status, row.error = status, err
  call(state.on_status, 'on_status', id, status, err)
  autocmd('AgorStatus', { session_id = id, status = status, error = err })
  if not row.provisional then
    row.status, row.error = ahead[1], ahead[2]
  end
end

function handlers.messages(data)
  call(state.on_message, 'on_message', data.session_id, data.messages)
  autocmd('AgorMessage', { session_id = data.session_id, messages = data.messages })
end

function handlers.permission(data)
  open_request(data.session_id, data.request_id, {
    kind = 'permission',
    options = data.options,
    grants = data.grants,
    scopes = data.scopes,
    everywhere = data.everywhere,
    refusals = data.refusals,
    refusal_scopes = data.refusal_scopes,
  })
  require('agor.ui.ask').on_permission(data)
  autocmd('AgorPermission', {
    session_id = data.session_id,
    request_id = data.request_id,
    tool = data.tool,
    input = data.input,
    options = data.options,
    grants = data.grants,
    scopes = data.scopes,
    everywhere = data.everywhere,
    refusals = data.refusals,
    refusal_scopes = data.refusal_scopes,
    ours = data.ours == true or nil,
  })
end

function handlers.permission_coloured(data)
  require('agor.ui.ask').on_coloured(data)
end

function handlers.question(data)
  open_request(data.session_id, data.request_id, { kind = 'question', questions = data.questions })
  require('agor.ui.ask').on_question(data)
  autocmd('AgorQuestion', {
    session_id = data.session_id,
    request_id = data.request_id,
    questions = data.questions,
    url = optional(data.url),
  })
end

function handlers.permission_closed(data)
  local open = state.requests[data.session_id]
  if open then
    if not open[data.request_id] then
      return -- Closed before: a backend that ended cannot say so itself.
    end
    open[data.request_id] = nil
  end
  require('agor.ui.ask').on_closed(data)
  autocmd('AgorPermissionClosed', data)
end

function handlers.turn(data)
  require('agor.notify').on_turn(data)
  autocmd('AgorTurn', { session_id = data.session_id, stop_reason = data.stop_reason })
end

function handlers.notify(data)
  local say = ({ info = message.info, warn = message.warn, error = message.error })[data.level]
    or message.info
  say(data.message)
end

function handlers.stalled(data)
  local since = data.since ~= vim.NIL and data.since or nil
  require('agor.notify').on_stalled(data.session_id, since, data.stderr)
  autocmd('AgorStalled', {
    session_id = data.session_id,
    stalled = since ~= nil,
    since = since,
    stderr = data.stderr,
  })
end

function handlers.along(data)
  require('agor.others').note(data.session_id, data.elsewhere)
end

function handlers.draft(data)
  require('agor.ui.prompt').restore(data.session_id, data.prompt)
end

function handlers.file(data)
  require('agor.file_requests').handle(data)
end

function handlers.files(data)
  require('agor.files').changed(data.cwd, data.paths)
end

---@param kind string
---@param data table
function M.handle(kind, data)
  local handler = handlers[kind]
  if handler then
    handler(data)
  end
end

return M
