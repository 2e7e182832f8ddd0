-- The public functions (:h agor-lua). They check what can be seen here, tell the backend, and return at once.

local state = require('agor.state')

-- A reload of this module begins a new generation: see agor.events.register().
state.generation = state.generation + 1

local M = {}

---@param options? agor.UserConfig
function M.setup(options)
  require('agor.config').setup(options)
end

---@param session string|nil
---@return agor.Row|nil
---@return string|nil message
local function find(session)
  local mirror = require('agor.mirror')
  if session == nil then
    local row = mirror.current()
    return row, not row and 'there is no session: :AgorStart starts one' or nil
  end
  local row = type(session) == 'string' and mirror.get(session) or nil
  return row, not row and ('no session %s'):format(tostring(session)) or nil
end

---@param method string
---@param params table
---@param refused? fun()
---@return true|nil
---@return string|nil message
local function tell(method, params, refused)
  local channel, failed = require('agor.backend').ensure()
  if not channel then
    return nil, failed
  end
  -- What goes wrong later comes as a status; an error here means that the backend could not take the request at all.
  return require('agor.rpc').notify(method, params, function(err)
    if err then
      require('agor.message').error(err)
      if refused then
        refused()
      end
    end
  end)
end

---@param id string
---@param err string
local function start_failed(id, err)
  local row = state.sessions[id]
  if row and row.provisional then
    row.status, row.error, row.busy = 'error', err, false
    require('agor.events').handle('status', { session_id = id, status = 'error', error = err })
    require('agor.ui.bar').refresh({ id })
  end
  require('agor.message').error(err)
end

---Loads what a pane opens with: done while the backend's program comes up, it takes no time.
local function load_pane()
  for _, part in ipairs({ 'pane', 'transcript', 'jump', 'bar', 'prompt', 'prompt_keys', 'drafts' }) do
    require('agor.ui.' .. part)
  end
end

---Starts a session.
---@param opts? agor.StartOptions
---@return string|nil session_id
---@return string|nil message
function M.start(opts)
  if opts ~= nil and type(opts) ~= 'table' then
    return nil, 'start() takes a table'
  end
  opts = opts or {}
  require('agor.config').refresh()
  local backend = require('agor.backend')
  -- It comes up while we look at what is asked for.
  backend.begin()
  local params, wrong = require('agor.options').start(opts)
  if not params then
    backend.drop()
    return nil, wrong
  end
  if opts.open ~= false then
    load_pane()
  end
  local channel, failed = backend.ensure()
  if not channel then
    return nil, failed
  end
  if params.prompt then
    local ok, unwritten = require('agor.files').before_prompt(params.cwd)
    if not ok then
      return nil, unwritten
    end
  end
  local id, events, mirror = params.session_id, require('agor.events'), require('agor.mirror')
  mirror.begin(params)
  -- Who listens from this tick on misses nothing, so the backend keeps the messages until it is known who does.
  events.listen({ also = id })
  local sent, lost = require('agor.rpc').notify('start', params, function(err)
    if err then
      start_failed(id, err)
    end
  end)
  if not sent then
    mirror.forget(id)
    return nil, lost
  end
  vim.schedule(function()
    events.listen({ now = true })
  end)
  params.prompt = nil
  state.starts[id] = params
  mirror.touch(id)
  if opts.open ~= false then
    local has_prompt = opts.prompt ~= nil or opts.context ~= nil
    local opened, why =
      require('agor.ui.pane').open(id, { focus = not has_prompt and 'prompt' or nil })
    if opened == false then
      require('agor.message').warn(
        ('session %s runs, but its pane could not be opened: %s'):format(id, why)
      )
    end
  end
  return id
end

---@class agor.SendOptions
---@field session? string
---@field context? agor.Context[]
---@field images? string[] paths of image files
---@field steer? boolean into the turn that runs, where the agent can do that
---@field now? boolean the turn that runs is interrupted for it
---@field entry? string the prompt that waits and that it replaces

---Sends a prompt to a session: to the current one if none is named.
---@param text string
---@param opts? agor.SendOptions
---@return true|nil
---@return string|nil message
function M.send(text, opts)
  opts = opts or {}
  if type(text) ~= 'string' or type(opts) ~= 'table' then
    return nil, 'send() takes a text and a table'
  end
  local row, none = find(opts.session)
  if not row then
    return nil, none
  end
  local context, wrong = require('agor.options').context(opts.context)
  if not context then
    return nil, wrong
  end
  local images
  images, wrong = require('agor.images').check(opts.images, row)
  if not images then
    return nil, wrong
  end
  local prompt = require('agor.options').prompt(text, context, images)
  if not prompt then
    return nil, 'there is nothing to send'
  end
  local ok, unwritten = require('agor.files').before_prompt(row.cwd)
  if not ok then
    return nil, unwritten
  end
  require('agor.events').listen({ now = true })
  local method = opts.entry and 'queue_edit'
    or opts.now and 'send_now'
    or opts.steer and 'steer'
    or 'send'
  ok, wrong = tell(
    method,
    { session_id = row.session_id, prompt = prompt, entry = opts.entry },
    function()
      require('agor.ui.prompt').restore(row.session_id, prompt)
    end
  )
  if ok then
    require('agor.mirror').touch(row.session_id)
  end
  return ok, wrong
end

---Ends the current turn and keeps the session.
---@param session? string
---@return true|nil
---@return string|nil message
function M.interrupt(session)
  local row, none = find(session)
  if not row then
    return nil, none
  end
  return tell('interrupt', { session_id = row.session_id })
end

---Sends the prompt of the last turn again, if that has not ended as it should: to an agent that is started anew if it hangs
---or has ended, and that goes on with its conversation.
---@param session? string
---@return true|nil
---@return string|nil message
function M.retry(session)
  local row, none = find(session)
  if not row then
    return nil, none
  end
  return tell('retry', { session_id = row.session_id })
end

---Stops a session politely; with `force` at once.
---@param session? string
---@param opts? { force?: boolean }
---@return true|nil
---@return string|nil message
function M.stop(session, opts)
  local row, none = find(session)
  if not row then
    return nil, none
  end
  -- Also what is done: a runner may live on for the next prompt.
  if not state.channel then
    return true
  end
  return tell('stop', { session_id = row.session_id, force = opts ~= nil and opts.force == true })
end

---Ends a living agent and takes the session from the list. Its journal stays.
---@param session string
---@return true|nil
---@return string|nil message
function M.remove(session)
  local row, none = find(session)
  if not row then
    return nil, none
  end
  if not state.channel then
    require('agor.mirror').forget(row.session_id)
    return true
  end
  return tell('remove', { session_id = row.session_id })
end

---Answers a permission (by option, or for longer by `opts.grant`), a question (by `opts.answers`) or declines it
---(`opts.cancel`).
---@param session string
---@param request_id string
---@param option string|nil
---@param opts? agor.AnswerOptions
---@return true|nil
---@return string|nil message
function M.answer(session, request_id, option, opts)
  local row, none = find(session)
  if not row then
    return nil, none
  end
  local params, wrong = require('agor.answer').check(row.session_id, request_id, option, opts or {})
  if not params then
    return nil, wrong
  end
  local asked = state.requests[row.session_id][request_id]
  local ok, failed = tell(params.scope and 'grant' or 'answer', params, function()
    asked.answered = nil
    -- Settled meanwhile, it is not asked again.
    if (state.requests[row.session_id] or {})[request_id] == asked then
      require('agor.ui.ask').on_refused({ session_id = row.session_id, request_id = request_id })
    end
  end)
  if ok then
    asked.answered = true
  end
  return ok, failed
end

local public = {
  'session_id',
  'provider',
  'status',
  'error',
  'cost_usd',
  'input_tokens',
  'output_tokens',
  'started_at',
  'title',
  'cwd',
  'project',
  'worktree',
  'place',
  'changes',
  'model',
  'mode',
  'effort',
  'agent_session',
  'context_used',
  'context_size',
  'attention',
  'pending',
  'queued',
  'waiting',
  'held',
  'busy',
  'turn_started_at',
  'turn_ended_at',
  'wait',
  'stalled',
  'quiet_since',
  'last_line',
  'interrupted',
}

---Every session, ordered by its start, in fresh tables.
---@return table[]
function M.sessions()
  return vim.tbl_map(function(row)
    local out = {}
    for _, key in ipairs(public) do
      out[key] = type(row[key]) == 'table' and vim.deepcopy(row[key]) or row[key]
    end
    return out
  end, require('agor.mirror').list())
end

---A session's messages so far, a bounded piece of them.
---@param session string
---@param opts? { since?: any }
---@return table[]|nil
---@return any since of the rest, nil at the end; a message if the first value is nil
function M.messages(session, opts)
  if type(session) ~= 'string' then
    return nil, ('no session %s'):format(tostring(session))
  end
  if not state.channel then
    return nil, ('no session %s'):format(session)
  end
  local result, failed =
    require('agor.rpc').request('messages', { session_id = session, since = (opts or {}).since })
  if not result then
    return nil, failed
  end
  local since = result.since
  return result.messages, since ~= vim.NIL and since or nil
end

---@param list agor.Registration[]
---@param name string
---@param session any
---@param fn any
---@return fun() remove
local function register(list, name, session, fn)
  if (session ~= nil and type(session) ~= 'string') or not vim.is_callable(fn) then
    error(name .. '() takes a session id or nil, and a function', 3)
  end
  return require('agor.events').register(list, session, fn)
end

---@param session string|nil nil: all
---@param fn fun(session_id: string, messages: table[])
---@return fun() remove
function M.on_message(session, fn)
  return register(state.on_message, 'on_message', session, fn)
end

---@param session string|nil nil: all
---@param fn fun(session_id: string, status: string, err: string|nil)
---@return fun() remove
function M.on_status(session, fn)
  return register(state.on_status, 'on_status', session, fn)
end

---A short text for a statusline, empty without sessions.
---@return string
function M.statusline()
  if next(state.sessions) == nil then
    return ''
  end
  return require('agor.ui.bar').statusline()
end

---The backend's figures.
---@return table<string, any>
---@return string|nil message
function M.stats()
  if not state.channel then
    return {
      frames = 0,
      patches = 0,
      bytes_in = 0,
      bytes_to_editor = 0,
      sessions = 0,
      processes = 0,
    },
      'the backend is not running'
  end
  local result, failed = require('agor.rpc').request('stats', {})
  return result or {}, failed
end

return M
